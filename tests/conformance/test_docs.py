"""The documentation says only what is so: names, links, commands and tables are checked."""

import importlib
import re
import tomllib

import numpy as np
import pytest
from PIL import Image

from gradus import catalog, cli
from tests.conformance.pages import CODE, INLINE, PAGES, ROOT, name

STAND_INS = {"NAME": "digits-mlp", "RECIPE": "digits-mlp", "RUN": "runs/x", "N": "2"}


def test_generated_tables_are_up_to_date(table):
    stale = [name(page) for page, text in table.pages().items() if table.read(page) != text]
    assert not stale, f"run: python benchmarks/table.py (would change {', '.join(stale)})"


def test_tables_show_what_was_measured(table):
    recipe = catalog.recipe("mnist-mlp")
    m = {"metric": "accuracy", "mean": 0.9812, "sd": 0.0011, "band": [0.9779, 0.9845]}
    quick = {**m, "seeds": 10, "examples": 55_000, "seconds": 31.4, "machine": "a machine, 2 cores"}
    for text in (
        table.results_page([(recipe, {"quick": quick})]),
        table.results(recipe, {"quick": quick}),
    ):
        for part in ("98.12% ± 0.11%", "97.79% to 98.45%", " 10 ", "55,000", "31 s", "a machine"):
            assert part in text
        assert "98.2% in 300 epochs" in text
    assert "98.12% ± 0.11% | 31 s | – | – |" in table.summary([(recipe, {"quick": quick})])
    assert "Not measured yet" in table.results(recipe, {})


def test_bands_are_inside_what_the_metric_can_be(benchmarks):
    band = benchmarks("bands").band
    assert band("accuracy", 0.5, 0.1) == pytest.approx([0.2, 0.8])
    assert band("accuracy, attention", 0.9, 0.1) == pytest.approx([0.6, 1.0])
    assert band("error, mean of tasks", 0.1, 0.1) == pytest.approx([0.0, 0.4])
    assert band("bits", 1.0, 5.0) == [0.0, 16.0]
    assert band("similarity", -0.5, 0.25) == [-1.0, 0.25]
    assert band("return", -290.0, 10.0) == [-320.0, -260.0]


def test_every_band_follows_from_mean_and_deviation(benchmarks):
    band = benchmarks("bands").band
    for recipe in catalog.recipes():
        assert len(band(recipe.metric, 0.5, 0.0)) == 2  # the metric's bounds are known
        for kind, m in catalog.expected(recipe.name).items():
            again = band(m["metric"], m["mean"], m["sd"])
            assert m["band"] == pytest.approx(again, rel=1e-9, abs=1e-15), (recipe.name, kind)


def test_text_outside_the_markers_is_kept(table):
    page = f"before\n{table.START}\nold\n{table.END}\nafter\n"
    assert table.between_markers(page, "new") == f"before\n{table.START}\nnew\n{table.END}\nafter\n"
    with pytest.raises(SystemExit, match="must hold the lines"):
        table.between_markers("no markers here", "new")


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_named_code_exists(page):
    for file, attribute in CODE.findall(page.read_text()):
        assert (ROOT / file).is_file(), f"no file {file}"
        found = importlib.import_module(file.removesuffix(".py").replace("/", "."))
        for part in filter(None, attribute.split(".")):
            assert hasattr(found, part), f"{file} has no {attribute}"
            found = getattr(found, part)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_in_the_text_are_understood(page, monkeypatch, capsys):
    verbs = {k: v._replace(function=lambda *_: None) for k, v in cli.VERBS.items()}
    monkeypatch.setattr(cli, "VERBS", verbs)
    for command in INLINE.findall(page.read_text()):
        words = [STAND_INS.get(word, word) for word in command.split()]
        if words[0] == "figure" and "RUN" not in command:
            assert {w for w in words[1:] if not w.startswith("--")} <= set(catalog.figures())
        if words[1:] or words[0] not in cli.VERBS:  # a verb alone is a name, not a command
            code = cli.main(words)
            assert code == 0, f"gradus {command}: {capsys.readouterr().err}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
        assert "://" in target or (page.parent / target).is_file(), f"no file {target}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_make_targets_exist(page):
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"\bmake ([a-z][\w-]*)`?(?:\s{2,}|`|\n)", page.read_text())) <= set(
        targets
    )


def test_every_recipe_has_a_page_in_the_menu():
    pages = {page.stem for page in (ROOT / "docs" / "recipes").glob("*.md")}
    assert pages == set(catalog.RECIPES)
    menu = (ROOT / "mkdocs.yml").read_text()
    assert [r for r in catalog.RECIPES if f"- recipes/{r}.md\n" not in menu] == []


def test_every_dependency_is_explained():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    wanted = {re.split(r"[\[>=<]", line)[0] for line in project["dependencies"] + extras}
    tables = (ROOT / "CONTRIBUTING.md").read_text().split("## Why each dependency is there")[1]
    explained = set(re.findall(r"`([\w-]+)`", "".join(re.findall(r"^\|.*$", tables, re.MULTILINE))))
    extra_names = set(project["optional-dependencies"])
    assert wanted - {project["name"]} == explained - extra_names


def test_changelog_and_readme_are_of_this_version():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"\n## {version}\n" in (ROOT / "CHANGELOG.md").read_text()
    readme = (ROOT / "README.md").read_text()
    assert f"Version {'.'.join(version.split('.')[:2])} " in readme
    assert len(readme.splitlines()) <= 120


def test_changelog_names_every_verb_and_recipe():
    text = (ROOT / "CHANGELOG.md").read_text()
    assert [word for word in (*cli.VERBS, *catalog.RECIPES) if f"`{word}`" not in text] == []


def test_picture_is_what_the_quickstart_draws(tmp_path):
    from gradus import quickstart
    from gradus.core.plot import save

    path = ROOT / "docs" / "images" / "quickstart.png"
    assert path.stat().st_size < 200_000
    assert "2-3" in quickstart.FIGURES
    drawn = Image.open(save(catalog.figures()["2-3"](), tmp_path / "drawn.png")).convert("L")
    kept = Image.open(path).convert("L")
    assert kept.size == drawn.size, "draw docs/images/quickstart.png anew"
    apart = np.abs(np.asarray(kept, float) - np.asarray(drawn, float)).mean()
    assert apart < 1, "draw docs/images/quickstart.png anew: gradus figure 2-3"
