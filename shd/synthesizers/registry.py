"""Every family by name, and the module that it lives in: a new family is one file and one line here."""

from collections import UserDict
from importlib import import_module

from shd._errors import ShdError


class Registry(UserDict):
    """Families by class name. A family is imported when it is first asked for: torch takes seconds."""

    def __getitem__(self, name: str) -> type:
        """Return a family; its module registers the class in place of its own name."""
        if isinstance(self.data[name], str):
            import_module(self.data[name])
        return self.data[name]

    def find(self, name: str) -> type:
        """Return a family by its name, in upper or lower case; `ShdError` where there is none."""
        known = {known_name.lower(): known_name for known_name in self}
        if name.lower() not in known:
            raise ShdError(f"there is no family {name!r}; known are {', '.join(self)}.")
        return self[known[name.lower()]]


registry = Registry(
    {
        "ADSGAN": "shd.synthesizers.adsgan",
        "ActiveAppearance": "shd.synthesizers.active_appearance",
        "BayesianNetwork": "shd.synthesizers.bayesian_network",
        "DPGAN": "shd.synthesizers.dp_gan",
        "FilteredTrees": "shd.synthesizers.filtered_trees",
        "FlowMatching": "shd.synthesizers.flow_matching",
        "GaussianCopula": "shd.synthesizers.gaussian_copula",
        "ImageCGAN": "shd.synthesizers.image_cgan",
        "MST": "shd.synthesizers.mst",
        "Marginals": "shd.synthesizers.marginals",
        "MixtureCircuit": "shd.synthesizers.mixture_circuit",
        "PATEGAN": "shd.synthesizers.pategan",
        "PrivateMoments": "shd.synthesizers.private_moments",
        "SequentialTrees": "shd.synthesizers.sequential_trees",
        "SliceGaussian": "shd.synthesizers.slice_gaussian",
        "SmoothedBootstrap": "shd.synthesizers.smoothed_bootstrap",
        "TabularAutoregressive": "shd.synthesizers.tabular_autoregressive",
        "TabularCGAN": "shd.synthesizers.tabular_cgan",
        "TabularDiffusion": "shd.synthesizers.tabular_diffusion",
        "TabularVAE": "shd.synthesizers.tabular_vae",
    }
)
