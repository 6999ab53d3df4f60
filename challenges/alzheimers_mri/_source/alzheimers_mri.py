# ruff: noqa: D100 - cells explain themselves
# %% [markdown] tags=["starter"]
# # What do synthetic brain scans teach? Starter
#
# The starter of the challenge `alzheimers_mri`, for teams and students who know a little numpy and
# have seen a neural network before.
#
# **Time.** 15 minutes to run and read it, 2 hours with the five exercises.
#
# **What you will learn**
#
# - why pictures are split by person, and how a split by picture makes a score look wonderful;
# - what a network learns from synthetic pictures, tested on people whom it has not seen (TSTR, TRTR);
# - how to see where in the brain a network looks (Grad-CAM), and when to believe it;
# - how to tell synthetic pictures from others, and how to look for copies.
#
# Run the cells from top to bottom: the notebook runs as it is. Each exercise has a place to write
# in, and below it a check that gives you a hint.

# %% [markdown] tags=["solution"]
# # What do synthetic brain scans teach? Solution
#
# The worked solution of `starter.ipynb` in the challenge `alzheimers_mri`. Try the starter first.
#
# **Time.** 15 minutes to run and read it.
#
# **What you will learn**
#
# - why pictures are split by person, and how a split by picture makes a score look wonderful;
# - what a network learns from synthetic pictures, tested on people whom it has not seen (TSTR, TRTR);
# - how to see where in the brain a network looks (Grad-CAM), and when to believe it;
# - how to tell synthetic pictures from others, and how to look for copies.

# %% [markdown]
# ## The data
#
# One record is one grey picture: an axial slice, seen as if from above, through the brain of a person
# who was rated as not demented, or as very mildly, mildly or moderately demented. Slice 0 is the lowest.
#
# `shd.load("alzheimers")` takes the real data where they are on your disk, else a **stand-in**: a
# second, independent synthetic cohort of 48 made-up people, so that everything runs without a download.
# **What is found on the stand-in says nothing about real patients.** For the real data, run
# `shd data fetch alzheimers` in a terminal (29 MB, licence ODbL 1.0), then run this notebook again.
# With the real data it takes some minutes.

# %%
import io
import warnings

import checks
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from IPython import display
from PIL import Image
from scipy.ndimage import uniform_filter
from sklearn.metrics import roc_auc_score
from torch import nn
from torch.nn import functional

import shd
from shd.plot import PALETTE

warnings.simplefilter("ignore", shd.ShdWarning)
torch.set_num_threads(1)  # the networks are small: more threads would only wait for each other
plt.rcParams.update({"axes.spines.right": False, "axes.spines.top": False, "font.size": 9, "figure.dpi": 80})

data = shd.load("alzheimers")
synthetic = shd.load("alzheimers", source="synthetic")
CLASSES = list(data.frame["class"].cat.categories)
print(data)
print(synthetic)

# %% [markdown]
# Did you get the real data or the stand-in? It decides what your numbers mean. The figures name it.

# %% tags=["nbval-check-output"]
print("Source of the data:", data.source)
print("Size of a picture:", *data.images.shape[1:])
print("Classes:", ", ".join(CLASSES))

# %%
counts = data.frame.assign(person=data.subjects).groupby("class", observed=False)["person"]
pd.DataFrame({"pictures": counts.size(), "people": counts.nunique()})

# %% [markdown]
# The second column is the one to remember. The real data set has 6,400 pictures, and that sounds
# like a lot. They show **200 people**: 100, 70, 28 and 2 of the four classes. *Moderate* is two people.
# One trains, one tests, and nothing may be concluded there.
#
# Look at the pictures before you compute anything.

# %%
HEIGHTS = (4, 12, 20, 28)  # slices
COLOURS = {data.source: PALETTE[data.source], "synthetic": PALETTE["synthetic"]}


def show(figure: plt.Figure, colours: int = 48) -> None:
    """Show a figure with few colours: enough to look at, and the notebook stays a small file."""
    stream, smaller = io.BytesIO(), io.BytesIO()
    figure.savefig(stream, bbox_inches="tight", facecolor="white")
    plt.close(figure)
    few_colours = Image.open(stream).convert("RGB").quantize(colours, Image.Quantize.MAXCOVERAGE)
    few_colours.save(smaller, "PNG", optimize=True)
    display.display(display.Image(smaller.getvalue()))


def draw(axis: plt.Axes, picture: np.ndarray, colour: str | None = None, **how) -> None:
    """Draw one picture, with a frame in the colour of its source."""
    axis.imshow(picture, **{"cmap": "gray", "vmin": 0, "vmax": 255, **how})
    axis.set(xticks=[], yticks=[])
    for side in axis.spines.values():
        side.set(visible=colour is not None, color=colour, linewidth=2)


def first_of(pictures: shd.Dataset, level: str, height: int) -> np.ndarray:
    """Return the first picture of a class and slice."""
    return pictures.images[((pictures.frame["class"] == level) & (pictures.frame["slice"] == height)).argmax()]


figure, axes = plt.subplots(4, 9, figsize=(9, 4.6), width_ratios=[1] * 4 + [0.15] + [1] * 4, layout="constrained")
for side, pictures in enumerate((data, synthetic)):
    for row, level in enumerate(CLASSES):
        for column, height in enumerate(HEIGHTS):
            axis = axes[row, 5 * side + column]
            draw(axis, first_of(pictures, level, height), COLOURS[pictures.source])
            if row == 0:
                axis.set_title(f"{pictures.source if column == 0 else ''}\nslice {height}", fontsize=9)
for row, level in enumerate(CLASSES):
    axes[row, 0].set_ylabel(level)
    axes[row, 4].axis("off")
figure.suptitle(
    f"{data.source.capitalize()} pictures (left) and synthetic ones (right), by class and slice", x=0.02, ha="left"
)
show(figure)

# %% [markdown]
# The dark shapes in the middle are the ventricles, filled with fluid. With age and with dementia the
# brain shrinks and they grow. A single picture shows that badly. Means show it well:

# %%
MIDDLE = [s for s in np.unique(data.frame["slice"]) if 14 <= s <= 22]  # slices where the ventricles are largest


def mean_picture(pictures: shd.Dataset, level: str) -> np.ndarray:
    """Return the mean picture of a class, over the middle slices."""
    rows = (pictures.frame["class"] == level) & pictures.frame["slice"].isin(MIDDLE)
    return pictures.images[rows].mean(axis=0)


few = CLASSES[:3]  # the fourth is two people
means = {p.source: {level: mean_picture(p, level) for level in few} for p in (data, synthetic)}
off = np.mean([np.abs(means["synthetic"][level] - means[data.source][level]).mean() for level in few])

figure, axes = plt.subplots(3, 4, figsize=(6.4, 5), layout="constrained")
changes = {"cmap": "RdBu_r", "vmin": -80, "vmax": 80}
for row, (source, mean) in enumerate(means.items()):
    for column, level in enumerate(few):
        draw(axes[row, column], mean[level], COLOURS[source])
    draw(axes[row, 3], mean["mild"] - mean["non-demented"], COLOURS[source], **changes)
    axes[row, 0].set_ylabel(source)
for column, level in enumerate(few):
    axes[0, column].set_title(level, fontsize=9)
    draw(axes[2, column], means["synthetic"][level] - means[data.source][level], "#cccccc", **changes)
axes[0, 3].set_title("mild minus\nnon-demented", fontsize=9)
axes[2, 0].set_ylabel(f"synthetic\nminus {data.source}")
axes[2, 3].axis("off")
scale = axes[2, 3].inset_axes([0.1, 0.05, 0.12, 0.9])
figure.colorbar(axes[2, 0].images[0], cax=scale, label="grey levels, of 255")
figure.suptitle(f"The mean synthetic picture of a class is off by {off:.0f} grey levels", x=0.02, ha="left")
show(figure, colours=256)

# %% [markdown]
# Blue is darker, red is brighter. In the right column, people with mild dementia have more dark fluid in
# the ventricles and between the folds. That is what a network should find. Whether it does is path 3.

# %% [markdown]
# ## Path 1: why 97.8 % was wrong
#
# In 2020 the winning team reported an accuracy of 97.8 % from real to real data, and 64.8 % from synthetic
# to real. The usual split of these pictures is **by picture**: all of them are shuffled, and a fifth is put
# aside for the test.
#
# First, a small network. It tells the four classes apart on pictures of 64 x 64 pixels, and learns in
# seconds.

# %%
SIDE = 64


def small(images: np.ndarray) -> torch.Tensor:
    """Reduce pictures to 64 x 64 pixels, 0 to 1, shape (n, 1, 64, 64): the mean of every 2 x 2 pixels."""
    return functional.avg_pool2d(torch.tensor(images)[:, None].float() / 255, images.shape[-1] // SIDE)


def convolution(inputs: int, outputs: int, size: int, step: int) -> nn.Sequential:
    """Return a convolution that looks at size x size pixels, moves by `step` pixels, and lets through what is > 0."""
    layer = nn.Conv2d(inputs, outputs, size, step, padding=size // 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.ReLU())


class Network(nn.Module):
    """Three convolutions, then one number a class: 15 thousand weights."""

    def __init__(self, n_classes: int = 4):
        super().__init__()
        # 32 maps of 8 x 8 fields: each says where in the picture something was seen
        self.maps = nn.Sequential(convolution(1, 16, 5, 4), convolution(16, 32, 3, 2), convolution(32, 32, 3, 1))
        self.head = nn.Linear(32, n_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return a score for each class, shape (n, n_classes)."""
        return self.head(self.maps(x).mean((2, 3)))


def descend(x: torch.Tensor, y: torch.Tensor, n_classes: int, vary: bool, seed: int) -> Network:
    """Train a network on pictures x of classes y; rare classes are drawn more often."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = Network(n_classes)
    steps = max(300, 20 * len(x) // 64)
    adam = torch.optim.AdamW(network.parameters(), 2e-3, weight_decay=1e-2)
    rate = torch.optim.lr_scheduler.OneCycleLR(adam, 2e-3, total_steps=steps)
    weight = 1 / np.sqrt(np.bincount(y)[y])
    for _ in range(steps):
        rows = rng.choice(len(x), 64, p=weight / weight.sum())
        batch = x[rows]
        if vary:  # the same brain, a little aside or seen in a mirror
            batch = batch.roll(rng.integers(-3, 4, 2).tolist(), (2, 3))
            batch = batch.flip(3) if rng.random() < 0.5 else batch
        loss = functional.cross_entropy(network(batch), y[rows])
        adam.zero_grad()
        loss.backward()
        adam.step()
        rate.step()
    return network.eval()


def fit(pictures: shd.Dataset, vary: bool = True, seed: int = 0) -> Network:
    """Train a network to tell the four classes."""
    classes = torch.tensor(pictures.frame["class"].cat.codes.to_numpy(), dtype=torch.long)
    network = descend(small(pictures.images), classes, len(CLASSES), vary, seed)
    network.source = pictures.source  # what it has seen
    return network


@torch.no_grad()
def chances(network: Network, pictures: shd.Dataset) -> np.ndarray:
    """Return the chance of each class for each picture, shape (n, 4)."""
    parts = torch.split(small(pictures.images), 256)
    return torch.cat([network(part).softmax(1) for part in parts]).numpy()


def accuracy(network: Network, pictures: shd.Dataset) -> float:
    """Return the share of pictures whose class is right."""
    return float((chances(network, pictures).argmax(1) == pictures.frame["class"].cat.codes).mean())


# %% [markdown]
# Now the split as everybody does it, by picture. The network sees the pictures as they are (`vary=False`);
# later they will be varied.

# %%
shuffled = np.random.default_rng(0).permutation(len(data))
fifth = len(data) // 5
test_by_picture, train_by_picture = data.take(shuffled[:fifth]), data.take(shuffled[fifth:])

leaky = accuracy(fit(train_by_picture, vary=False), test_by_picture)
print(f"accuracy for four classes, split by picture: {leaky:.2f}")

# %% [markdown]
# Wonderful. What does a test picture look like, and what in train is most like it?


# %%
def nearest(images: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each picture, return the distance to the most similar of the others, and which that is.

    Pictures are reduced to 16 x 16 pixels and made equally bright: what is left are the large shapes.
    """
    a, b = (functional.avg_pool2d(small(pictures), 4).flatten(1) for pictures in (images, others))
    between = torch.cdist(a - a.mean(1, keepdim=True), b - b.mean(1, keepdim=True))
    distance, which = between.min(1)
    return distance.numpy(), which.numpy()


_, which = nearest(test_by_picture.images, train_by_picture.images)
known = float((train_by_picture.subjects[which] == test_by_picture.subjects).mean())

figure, axes = plt.subplots(2, 6, figsize=(7.2, 2.9), layout="constrained")
for column in range(6):
    for row, (pictures, at) in enumerate(((test_by_picture, column), (train_by_picture, which[column]))):
        draw(axes[row, column], pictures.images[at], COLOURS[data.source])
        person, height = pictures.subjects[at], pictures.frame["slice"].iloc[at]
        axes[row, column].set_xlabel(f"{person}, slice {height}", fontsize=7)
axes[0, 0].set_ylabel("in the test")
axes[1, 0].set_ylabel("most similar\nin train")
found = f"Split by picture: for {known:.0%} of the test, the most similar picture in train is of the same person"
figure.suptitle(found, x=0.02, ha="left")
show(figure)

# %% [markdown]
# The class belongs to the person, not to the picture. So the network need not know anything about
# dementia: it is enough to know the person again, by a neighbouring slice.
#
# ### Exercise 1: split by person (2 points)
#
# Write a function that makes two parts so that nobody is in both, about a fifth of the people in the test.
# A Dataset can do it: see `data.split`. Its subjects are people. Use `random_state=0`.


# %% tags=["answer:split"]
def split(data: shd.Dataset) -> tuple[shd.Dataset, shd.Dataset]:
    """Return a train and a test part that share no person."""
    # BEGIN SOLUTION
    return data.split(test_size=0.2, random_state=0)
    # INSTEAD
    # return None  # your line here
    # END SOLUTION


# %% tags=["check:split"]
checks.split(split)

# %%
train, test = data.split(test_size=0.2, random_state=0)  # what follows needs both parts
honest = accuracy(fit(train, vary=False), test) if checks.split.solved("bar") else np.nan
most_common = float(data.frame["class"].value_counts(normalize=True).max())
result = {"by picture": leaky} | ({"your split": honest} if checks.split.is_solved else {})

figure, axis = plt.subplots(figsize=(6.5, 1.8))
colours = [PALETTE["floor"], PALETTE[data.source]][: len(result)]
axis.barh(list(result), list(result.values()), color=colours, height=0.55)
for row, value in enumerate(result.values()):
    axis.text(value + 0.01, row, f"{value:.2f}", va="center")
axis.axvline(most_common, ymax=0.9, color="#444444", linestyle=":")
axis.text(most_common, -0.45, "always the most common class", ha="center", va="center", fontsize=8)
axis.set(xlim=(0, 1.1), ylim=(1.5, -0.6), xlabel=f"accuracy for four classes on {data.source} pictures")
lost = leaky - honest
found = f"{lost:.2f} of the accuracy was knowing people again" if lost > 0.05 else "How much is left, split by person?"
axis.set_title(found, loc="left")
plt.show()

# %% [markdown]
# This is not a trick of the stand-in. The same on the real pictures, with a network of 178 thousand weights:
#
# | split of the real pictures | accuracy, four classes | accuracy, two classes | AUROC, two classes |
# | --- | --- | --- | --- |
# | by picture | 0.966 | 0.980 | 0.999 |
# | by person, seed 0 | 0.565 | 0.752 | 0.830 |
# | by person, seed 1 | 0.524 | 0.683 | 0.751 |
#
# Someone who always says *non-demented* is right for half of the real pictures. And with the small network
# above, `vary=False`: 0.91 by picture, 0.46 to 0.52 in five splits by person.

# %% [markdown]
# ## Path 2: train on synthetic, test on held-out people
#
# Synthetic pictures are useful if what they teach holds for people they were not made from. So we train
# the same network twice and test it on the same held-out people:
#
# | name | trained on | tested on |
# | --- | --- | --- |
# | TRTR | real pictures (train) | real people (test) |
# | TSTR | synthetic pictures | real people (test) |
#
# Without the real data, the stand-in takes the place of "real" in both. The release was made from the
# train side of a split by person with seed 0: with `random_state=0` its model has never seen the people
# in your `test`.
#
# We ask for two classes: demented (any degree) or not. A person is one case, not 32, so the chances are
# averaged over the person's slices first. From now on the pictures are varied while a network learns.


# %%
def by_person(network: Network, pictures: shd.Dataset) -> pd.DataFrame:
    """Return for each person whether they are demented, and the mean chance of it over their slices."""
    table = pd.DataFrame({"person": pictures.subjects, "class": pictures.frame["class"].array})
    table["chance"] = 1 - chances(network, pictures)[:, 0]
    people = table.groupby("person").agg({"class": "first", "chance": "mean"})
    return people.assign(demented=people["class"] != CLASSES[0])


def auroc(people: pd.DataFrame) -> float:
    """Return how well the chances put people in order: 0.5 is guessing, 1 is perfect."""
    return float(roc_auc_score(people["demented"], people["chance"]))


def interval(people: pd.DataFrame, times: int = 300) -> tuple[float, float]:
    """Return the 95 % interval of the AUROC: people are drawn again with replacement, from each class."""
    rng = np.random.default_rng(0)
    groups = [group for _, group in people.groupby("demented")]
    drawn = [auroc(pd.concat([g.sample(frac=1, replace=True, random_state=rng) for g in groups])) for _ in range(times)]
    return tuple(np.quantile(drawn, [0.025, 0.975]))


on_data = fit(train)
people_data = by_person(on_data, test)
trtr = auroc(people_data)
print(f"TRTR {trtr:.2f}: {len(people_data)} people, {people_data['demented'].sum()} of them demented")

# %% [markdown]
# ### Exercise 2: TSTR (3 points)
#
# Write a function that returns TSTR. It is given the three sets of pictures, and the functions `fit`, `by_person`
# and `auroc` as they are used above. (The check hands it functions that only note what they are given.)


# %% tags=["answer:tstr"]
def tstr(train, synthetic, test, fit, by_person, auroc) -> float:
    """Return the AUROC on held-out people of a network that was trained on synthetic pictures."""
    # BEGIN SOLUTION
    return auroc(by_person(fit(synthetic), test))
    # INSTEAD
    # return None  # your line here
    # END SOLUTION


# %% tags=["check:tstr"]
checks.tstr(tstr)

# %%
rows = {f"TRTR: trained on {data.source}": (people_data, PALETTE[data.source], "D")}
on_synthetic = fit(synthetic)  # what follows needs it, too
people_synthetic = by_person(on_synthetic, test)
if checks.tstr.solved("row"):
    rows["TSTR: trained on synthetic"] = (people_synthetic, PALETTE["synthetic"], "o")

figure, axis = plt.subplots(figsize=(6.5, 1.7))
for row, (people, colour, mark) in enumerate(rows.values()):
    axis.hlines(row, *interval(people), color=colour, linewidth=2)
    axis.scatter(auroc(people), row, color=colour, marker=mark, s=60, zorder=3)
axis.axvline(0.5, color="#444444", linestyle=":")
axis.text(0.505, -0.6, "guessing", fontsize=8, va="center")
axis.set(yticks=range(len(rows)), yticklabels=list(rows), ylim=(len(rows) - 0.5, -0.8), xlim=(0.2, 1.02))
axis.set_xlabel(f"AUROC, demented or not, {len(people_data)} held-out {data.source} people, with 95 % interval")
low, high = interval(people_data)
found = f"{len(people_data)} people leave TRTR anywhere between {low:.2f} and {high:.2f}"
axis.set_title(found, loc="left")
plt.show()

# %% [markdown]
# The intervals are the finding. A dozen people, or the 40 of the real holdout, cannot tell a good
# release from a very good one. Use several splits, and never report such a number without its interval.
#
# TSTR may even lie above TRTR on the stand-in: the release holds a different made-up head in every picture,
# and the train side of the stand-in only 38. On the real pictures, real classifiers split by person reach an
# AUROC of 0.82 to 0.83. This small network reaches 0.77, 0.73, 0.83, 0.84 and 0.81 in five splits: the split
# alone moves it by a tenth.
#
# ### Make your own
#
# Two generators in seconds. `shd.SliceGaussian` knows a mean picture for each class and slice, and how people
# differ from it, pixel by pixel: where ventricles are of different sizes, that gives ghosts.
# `shd.ActiveAppearance` learns how heads differ in shape first, and in brightness then, so that an edge stays
# an edge. What you ask for is what you get.

# %%
level = {"class": "mild", "slice": 12}
rows = {}
for family in (shd.SliceGaussian, shd.ActiveAppearance):
    gaussian = family(components=60, random_state=0).fit(train)
    rows[family.__name__] = gaussian.sample(6, condition=level, random_state=0)

alike = (synthetic.frame["class"] == level["class"]) & (synthetic.frame["slice"] == level["slice"])
rows["release"] = synthetic.take(np.flatnonzero(alike)[:6])

figure, axes = plt.subplots(len(rows), 6, figsize=(7.2, 0.35 + 1.25 * len(rows)), layout="constrained", squeeze=False)
for row, (name, pictures) in enumerate(rows.items()):
    for axis, picture in zip(axes[row], pictures.images, strict=True):
        draw(axis, picture, PALETTE["synthetic"])
    axes[row, 0].set_ylabel(name)
figure.suptitle("Class mild, slice 12, as asked for: none of these people exists", x=0.02, ha="left")
show(figure)

# %% [markdown]
# `shd.ImageCGAN`, which made the release, begins where `ActiveAppearance` ends, and learns to add what is
# missing: edges, folds, grain. Training it takes long; the card of the release says how long. Its model is not
# handed on: asked about pictures of 160 people, it tells each of them from others. One of your own gives as
# many pictures as you like:
#
# ```python
# gan = shd.ImageCGAN(random_state=0)
# gan.set_params(steps=gan.steps_for(train, minutes=30))
# many = gan.fit(train, checkpoint="gan.ckpt").sample(3_000, condition={"class": "mild"})
# ```
#
# Do more pictures raise TSTR? Does a mixture of real and synthetic ones beat real ones alone?

# %% [markdown]
# ## Path 3: two models side by side
#
# Each dot is one held-out person, with the chance of dementia that each of the two networks gives.

# %%
figure, axis = plt.subplots(figsize=(4.4, 4))
axis.plot([0, 1], [0, 1], color="#cccccc", zorder=1)
marks = dict(zip(CLASSES, ("o", "s", "^", "X"), strict=True))
greys = dict(zip(CLASSES, ("#ffffff", "#b9d7ea", "#5b9bc8", "#08306b"), strict=True))
for level, group in people_data.groupby("class", observed=True):
    other = people_synthetic.loc[group.index, "chance"]
    axis.scatter(
        group["chance"], other, marker=marks[level], color=greys[level], edgecolor="#333333", s=55, label=level
    )
axis.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
axis.set(xlabel=f"chance, trained on {data.source}", ylabel=f"chance, trained on {on_synthetic.source}")
axis.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False, title="rated as")
apart = float((people_data["chance"] - people_synthetic["chance"]).abs().mean())
axis.set_title(f"The chances differ by {100 * apart:.0f} points on average", loc="left")
plt.show()

# %% [markdown]
# Where in the brain does each network look? **Grad-CAM** (Selvaraju et al. 2017) uses the maps of the last
# convolution: 32 of them, 8 x 8 fields each, every one bright where it has seen its pattern. Raise a
# map a little: by how much does the score for *demented* rise? That is the slope. Maps with a large mean
# slope speak for dementia, and where they are bright is where the network looks.
#
# ### Exercise 3: Grad-CAM (3 points)
#
# `maps` and `slopes` have the shape (n, 32, 8, 8). Average the slopes over the 8 x 8 fields, so that each
# map has one weight. Sum the maps with these weights. Set what is negative to 0: it speaks against
# dementia. The answer has the shape (n, 8, 8).


# %% tags=["answer:grad_cam"]
def grad_cam(maps: torch.Tensor, slopes: torch.Tensor) -> torch.Tensor:
    """Return where each picture speaks for dementia, shape (n, 8, 8)."""
    # BEGIN SOLUTION
    weights = slopes.mean((2, 3), keepdim=True)
    return functional.relu((weights * maps).sum(1))
    # INSTEAD
    # return None  # your lines here
    # END SOLUTION


# %% tags=["check:grad_cam"]
checks.grad_cam(grad_cam)


# %%
def look(network: Network, images: np.ndarray) -> np.ndarray:
    """Return the Grad-CAM of each picture for *demented*."""
    maps = network.maps(small(images)).detach().requires_grad_()
    scores = network.head(maps.mean((2, 3)))
    for_dementia = torch.logsumexp(scores[:, 1:], 1) - scores[:, 0]  # the logit of "demented"
    (slopes,) = torch.autograd.grad(for_dementia.sum(), maps)
    return grad_cam(maps.detach(), slopes).numpy()


def agreement(one: np.ndarray, other: np.ndarray) -> float:
    """Return the mean correlation of two networks' maps of the same pictures; 0 where a map is flat."""
    a, b = (m.reshape(len(m), -1) - m.mean((1, 2))[:, None] for m in (one, other))
    size = np.sqrt((a**2).sum(1) * (b**2).sum(1))
    return float(np.mean((a * b).sum(1) / np.where(size > 0, size, 1)))


if checks.grad_cam.solved():
    torch.manual_seed(0)
    networks = {
        f"trained on\n{data.source}": on_data,
        "the same again,\nanother seed": fit(train, seed=1),
        f"exercise 2, trained\non {on_synthetic.source}": on_synthetic,
        "not trained\nat all": Network().eval(),
    }
    bands = {"slices 6 to 14": (6, 14), "slices 18 to 26": (18, 26)}

    figure, axes = plt.subplots(2, 4, figsize=(6.6, 3.9), layout="constrained")
    agree = []
    for row, (band, (lowest, highest)) in enumerate(bands.items()):
        here = test.take(np.flatnonzero(test.frame["slice"].between(lowest, highest)))
        seen = {name: look(network, here.images) for name, network in networks.items()}
        reference, *others = seen.values()
        agree.append([agreement(reference, other) for other in others])
        ill = (here.frame["class"] != CLASSES[0]).to_numpy()
        for column, (name, maps) in enumerate(seen.items()):
            draw(axes[row, column], here.images[ill].mean(0))
            mean = torch.tensor(maps[ill].mean(0))[None, None]
            wide = functional.interpolate(mean, here.images.shape[1:], mode="bicubic")[0, 0].clamp(min=0)
            share = (wide / wide.max().clamp(min=1e-9)).numpy()
            axes[row, column].imshow(share, cmap="inferno", alpha=0.75 * share, vmin=0, vmax=1)
            if row == 0:
                axes[row, column].set_title(name, fontsize=9)
        axes[row, 0].set_ylabel(band)
    again, crosswise, by_chance = np.mean(agree, axis=0)
    found = f"Agreement with the first: {again:.2f} with another seed, {crosswise:.2f} trained on {on_synthetic.source}"
    figure.suptitle(found, x=0.02, ha="left")
    show(figure, colours=256)
    print(f"mean correlation of the maps with those of the first network: {by_chance:.2f} if not trained at all")

# %% [markdown]
# Drawn on the mean picture of the demented people: bright where a network looks. Read it from right to
# left. A network that has learned nothing also gives a map, and a map always looks like something. A second
# network that learned from the same pictures does not look at quite the same places. Only what lies
# between these two is about the synthetic pictures. And a map says where a network looks, not whether it is
# right to look there.

# %% [markdown]
# ## Path 4: tell them apart
#
# Train a network to tell which pictures are synthetic, and test it on other people and other pictures. Its
# AUROC is the C2ST: 0.5 means that it can only guess, 1 that every picture gives itself away. It gets
# the middle 64 x 64 pixels as they are, as what gives pictures away is fine, and lost when they are
# reduced.


# %%
def middle(images: np.ndarray) -> torch.Tensor:
    """Return the middle of pictures in full resolution, 0 to 1, shape (n, 1, 64, 64)."""
    top, left = ((side - SIDE) // 2 for side in images.shape[1:])
    return torch.tensor(images[:, top : top + SIDE, left : left + SIDE])[:, None].float() / 255


def detect(real: shd.Dataset, held: shd.Dataset, other: np.ndarray) -> float:
    """Return the C2ST of other pictures: trained on people in `real`, tested on people in `held`."""
    cut = 3 * len(other) // 4
    x = torch.cat([middle(real.images), middle(other[:cut])])
    y = torch.tensor([0] * len(real) + [1] * cut)
    detective = descend(x, y, 2, vary=False, seed=0)
    with torch.no_grad():
        score = detective(torch.cat([middle(held.images), middle(other[cut:])])).softmax(1)[:, 1]
    return float(roc_auc_score([0] * len(held) + [1] * (len(other) - cut), score))


made = synthetic.images[np.random.default_rng(0).permutation(len(synthetic))[: len(train)]]
c2st = detect(train, test, made)
print(f"C2ST of the release against {data.source} people: {c2st:.2f}")

# %% [markdown]
# With the stand-in, the number says only that two sets of made-up pictures can be told apart. With the
# real data it is the number to beat. In 2020 every synthetic picture was found out.
#
# What does the detective see? A detector is of use when it names its clues. Fine grain is one: what is left
# of a picture when a smooth version of it is taken away.
#
# ### Exercise 4: measure the grain (3 points)
#
# Write a function that returns one number a picture: the mean absolute difference between the picture and
# its smoothed version. `smooth` gives that for all pictures at once.


# %%
def smooth(images: np.ndarray) -> np.ndarray:
    """Return pictures in which each pixel is the mean of the 3 x 3 pixels around it."""
    return uniform_filter(images.astype(float), size=(1, 3, 3))


# %% tags=["answer:grain"]
def grain(images: np.ndarray) -> np.ndarray:
    """Return how much fine grain each picture has, in grey levels, shape (n,)."""
    # BEGIN SOLUTION
    return np.abs(images - smooth(images)).mean(axis=(1, 2))
    # INSTEAD
    # return None  # your line here
    # END SOLUTION


# %% tags=["check:grain"]
checks.grain(grain)

# %%
if checks.grain.solved():
    clues = {
        "grain": grain,
        "brightness": lambda images: images.mean(axis=(1, 2)),
        "pixels of exactly 0": lambda images: (images == 0).mean(axis=(1, 2)),
        "saturated pixels": lambda images: (images >= 250).mean(axis=(1, 2)),
    }
    sets = {f"held-out ({data.source})": (test.images, data.source), "release": (made, "synthetic")}
    sides = np.repeat([0, 1], [len(test), len(made)])
    alone = {
        name: roc_auc_score(sides, np.concatenate([clue(images) for images, _ in sets.values()]))
        for name, clue in clues.items()
    }
    alone = pd.Series({name: max(value, 1 - value) for name, value in alone.items()})  # either direction counts

    figure, (left, right) = plt.subplots(1, 2, figsize=(7.5, 2.6), layout="constrained")
    left.barh(
        [*alone.index, "the network"], [*alone, c2st], color=[PALETTE["synthetic"]] * len(alone) + [PALETTE["floor"]]
    )
    left.set(xlim=(0.5, 1), xlabel="AUROC of one clue alone (0.5 is guessing)")
    left.invert_yaxis()
    for name, (images, source) in sets.items():
        right.hist(
            grain(images), bins=25, density=True, histtype="step", linewidth=2, color=PALETTE[source], label=name
        )
    right.set(xlabel="grain, grey levels", ylabel="density of pictures", yticks=[])
    right.margins(y=0.4)
    right.legend(frameon=False, fontsize=8, loc="upper right")
    figure.suptitle(f"The clue that gives most away by itself: {alone.idxmax()}", x=0.02, ha="left")
    show(figure)

# %% [markdown]
# Mind what is compared. The stand-in comes from a `SliceGaussian` and is smooth; on the real pictures other
# clues may lead. Where no clue alone does what the network does, it has found one that you have not.
#
# ### Does it remember anybody?
#
# The other thing to look for are copies. A generator that hands out its training pictures passes every test
# above. So we ask: is a synthetic picture nearer to the people it was learned from than to as many people
# of the same classes who were held out? Half of them should be, or a little more or less. How much exactly
# is told by other people whom nobody has learned from.


# %%
def some_people(pictures: shd.Dataset, like: shd.Dataset) -> tuple[shd.Dataset, shd.Dataset]:
    """Part pictures by person: as many people of each class as `like` has, and the others."""
    wanted = like.frame.assign(person=like.subjects).groupby("class", observed=False)["person"].nunique()
    people = pictures.frame.assign(person=pictures.subjects).drop_duplicates("person")
    chosen = [p for level, n in wanted.items() for p in people.loc[people["class"] == level, "person"][:n]]
    inside = np.isin(pictures.subjects, chosen)
    return pictures.take(inside), pictures.take(~inside)


learned, rest = some_people(train, test)
print(f"{len(set(learned.subjects))} people to be near to, {len(set(test.subjects))} held out", end=", ")
print(f"{len(set(rest.subjects))} others as the reference")

# %% [markdown]
# ### Exercise 5: nearer to train (3 points)
#
# Return the share (0 to 1) of `images` whose distance to the nearest picture in `learned` is smaller than
# that to the nearest in `held`. The function `nearest` from path 1 returns distances first.


# %% tags=["answer:share_nearer"]
def share_nearer(images: np.ndarray, learned: np.ndarray, held: np.ndarray) -> float:
    """Return the share of pictures that are nearer to `learned` than to `held`."""
    # BEGIN SOLUTION
    to_learned, _ = nearest(images, learned)
    to_held, _ = nearest(images, held)
    return float((to_learned < to_held).mean())
    # INSTEAD
    # return None  # your lines here
    # END SOLUTION


# %% tags=["check:share_nearer"]
checks.share_nearer(share_nearer)

# %%
if checks.share_nearer.solved():
    copies = np.roll(learned.images, 1, axis=2)  # what a copying generator would make: one pixel to the side
    shares = pd.Series(
        {
            "other people": share_nearer(rest.images, learned.images, test.images),
            "release": share_nearer(synthetic.images, learned.images, test.images),
            "copies, shifted by a pixel": share_nearer(copies, learned.images, test.images),
        }
    )

    figure, axis = plt.subplots(figsize=(6.5, 1.9))
    axis.barh(shares.index, shares, color=[PALETTE[data.source], PALETTE["synthetic"], PALETTE["floor"]], height=0.6)
    for row, value in enumerate(shares):
        axis.text(value - 0.01, row, f"{value:.2f}", va="center", ha="right", color="white")
    axis.axvline(0.5, color="#444444", linestyle=":", zorder=0)
    axis.invert_yaxis()
    axis.set(xlim=(0, 1.1), xlabel="share nearer to people learned from than to people held out")
    release, others = shares["release"], shares["other people"]
    found = f"Nearer to train: {release:.0%} of the release, {others:.0%} of other people's pictures"
    axis.set_title(found, loc="left")
    plt.show()

# %% [markdown]
# A share says nothing about the single picture. So look at the worst: the synthetic pictures that are
# nearest to a picture in train, compared with how near they are to anybody held out.

# %%
to_train, in_train = nearest(synthetic.images, train.images)
to_test, in_test = nearest(synthetic.images, test.images)
worst = np.argsort(to_train / to_test, kind="stable")[:6]

figure, axes = plt.subplots(3, 6, figsize=(7.2, 4), layout="constrained")
for column, row in enumerate(worst):
    draw(axes[0, column], synthetic.images[row], PALETTE["synthetic"])
    draw(axes[1, column], train.images[in_train[row]], PALETTE[data.source])
    draw(axes[2, column], test.images[in_test[row]], PALETTE["holdout"])
    axes[0, column].set_title(f"{to_train[row] / to_test[row]:.2f}", fontsize=9)
for row, name in enumerate(("synthetic", "nearest\nin train", "nearest\nheld out")):
    axes[row, 0].set_ylabel(name)
figure.suptitle("The six most suspicious pictures: distance to train by distance to held-out", x=0.02, ha="left")
show(figure)

# %% [markdown]
# A ratio near 0 would be a copy. Would you know the person again? Where the answer is yes, the release must
# not go out, whatever the other numbers say. And where it is no, nothing is proven: passing such a test
# is no guarantee of privacy.

# %% [markdown]
# ## What you learned
#
# - The class belongs to the person. Split by person; a split by picture tests how well people are known
#   again. That was the 97.8 % of 2020.
# - TSTR beside TRTR says what synthetic pictures teach, and the interval over people says how sure that is.
# - Grad-CAM shows where a network looks. Believe it only beside a second seed and an untrained network.
# - C2ST asks whether pictures can be told apart, and clues say why. Nearest neighbours ask whether
#   anybody is remembered.
#
# ## Where to go next
#
# - Run the notebook again on the real data: `shd data fetch alzheimers`.
# - Ask all these questions at once: `shd.compare(train, synthetic, holdout=test)` returns a report with
#   intervals, privacy and a verdict.
# - Make a release of your own, with its card: `shd generate alzheimers -o my-release --minutes 60`
#   (add `--source stand-in` without the real data). Judge it: `shd compare --help`.
# - `README.md` in this folder has the rules, the data card and the path of 40 hours.
