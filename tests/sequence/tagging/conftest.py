"""A tagger that has learnt the toy text a little, for every test that looks at one."""

import pytest

import gradus
from gradus.sequence.tagging.predict import open_tagger
from tests.commands import offline


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tagger")
    with pytest.MonkeyPatch.context() as patch:
        offline(patch, folder)
        smoke = gradus.catalog.recipe("tagger-book").smoke
        return gradus.train("tagger-book", run_dir=folder / "run", **smoke, seed=1)


@pytest.fixture(scope="session")
def tagger(run):
    return open_tagger(run)
