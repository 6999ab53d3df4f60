from shd.plot import Figure, style


def test_a_figure_shows_itself_in_a_notebook():
    with style():
        figure = Figure((2, 1))
        figure.subplots().plot([0, 1])
    shown = figure._repr_png_()
    assert shown.startswith(b"\x89PNG")
    assert int.from_bytes(shown[16:20], "big") == 200  # pixels: two inches
    assert figure._repr_png_() == shown
