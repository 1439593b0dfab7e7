"""Words that several verbs share: what a recipe, a run and a folder are called in the help."""

from pathlib import Path
from typing import Annotated

from tyro.conf import arg

Name = Annotated[str, arg(metavar="RECIPE")]
RunFolder = Annotated[Path, arg(metavar="RUN")]
Folder = Annotated[Path, arg(metavar="FOLDER")]
