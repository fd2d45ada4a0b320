"""Archives that may be fetched without asking anybody, with the sums that tell whether they came whole."""

from __future__ import annotations

from dataclasses import dataclass

from segmint.data.convert.layouts import LAYOUTS
from segmint.errors import UserError


@dataclass(frozen=True)
class Published:
    """One archive.

    Attributes:
        name: how it is asked for.
        layout: of the files in it, see `segmint.data.convert.layouts`.
        url: of a tar or zip file.
        checksum: as pooch takes it, "md5:..." or "sha256:...".
        inner: folder in the archive that holds the files; empty where they lie in it as they are.
    """

    name: str
    layout: str
    url: str
    checksum: str
    inner: str


# The copies of the Medical Segmentation Decathlon [Antonelli 2022] that MONAI downloads, and the sums it checks them by
# (monai.apps.DecathlonDataset of MONAI 1.6.1). MD5 tells accidents from the original, not forgeries.
_MSD = "https://msd-for-monai.s3-us-west-2.amazonaws.com"
_MSD_TASKS = (
    ("msd-brain-tumour", "Task01_BrainTumour", "240a19d752f0d9e9101544901065d872"),
    ("msd-heart", "Task02_Heart", "06ee59366e1e5124267b774dbd654057"),
    ("msd-liver", "Task03_Liver", "a90ec6c4aa7f6a3d087205e23d4e6397"),
    ("msd-hippocampus", "Task04_Hippocampus", "9d24dba78a72977dbd1d2e110310f31b"),
    ("msd-prostate", "Task05_Prostate", "35138f08b1efaef89d7424d2bcc928db"),
    ("msd-lung", "Task06_Lung", "8afd997733c7fc0432f71255ba4e52dc"),
    ("msd-pancreas", "Task07_Pancreas", "4f7080cfca169fa8066d17ce6eb061e4"),
    ("msd-hepatic-vessel", "Task08_HepaticVessel", "641d79e80ec66453921d997fbf12a29c"),
    ("msd-spleen", "Task09_Spleen", "410d4a301da4e5b2f6f86ec3ddba524e"),
    ("msd-colon", "Task10_Colon", "bad7a188931dc2f6acf72b08eb6202d0"),
)

# The address and the sum that loaders of CHASE_DB1 [Fraz 2012] check it by; its owners publish none.
_CHASE = "https://staffnet.kingston.ac.uk/~ku15565/CHASE_DB1/assets/CHASEDB1.zip"

# The archive of the Broad Bioimage Benchmark Collection [Ljosa 2012], and the sum that several public projects, independent of
# each other, found it to have; its owners publish none.
_NUCLEI = "https://data.broadinstitute.org/bbbc/BBBC038/stage1_train.zip"
_NUCLEI_SUM = "sha256:dcb6edc2690f137406638b2309581a71522c4dff19157d118453b448dcddcb68"

CATALOGUE: tuple[Published, ...] = (
    *(Published(name, "msd", f"{_MSD}/{task}.tar", f"md5:{md5}", task) for name, task, md5 in _MSD_TASKS),
    Published("chase-db1", "chase-db1", _CHASE, "md5:d9e47c4bac125b29996fae4380a68db1", ""),
    Published("dsb2018", "dsb2018", _NUCLEI, _NUCLEI_SUM, ""),
)
"""A new archive is one more entry; its checksum must come from somebody who publishes it."""


def find_published(name: str) -> Published:
    """The archive of that name.

    Raises:
        UserError: there is none; of a layout that users get by hand, it says where.
    """
    for one in CATALOGUE:
        if one.name == name:
            return one
    names = ", ".join(one.name for one in CATALOGUE)
    for layout in LAYOUTS:
        if layout.name == name and not any(one.layout == name for one in CATALOGUE):
            raise UserError(
                f"{name} cannot be fetched for you: get it from {layout.origin}, then run segmint data convert {name} SRC"
                " --out DIR."
            )
    raise UserError(f'There is no dataset "{name}" to fetch: choose one of {names}.')
