"""The health page in Chromium: nothing is missing, nothing complains, nothing sticks out, in light and in dark.

Pictures stay in artifacts/.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request

from rocmox.cli.main import main
from rocmox_lab.gpus import build
from rocmox_lab.gpus.kernel_stories import to_kmsg
from rocmox_lab.gpus.variations import vary
from tests.end_to_end.chat_browser import CHROMIUM, open_browser
from tests.end_to_end.conftest import ROOT

pytestmark = [pytest.mark.lab, pytest.mark.browser, pytest.mark.timeout(300)]
PICTURES = ROOT / "artifacts"
CARDS = {"healthy": 3, "eight": 8, "broken": 3}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is missing: apt install chromium")
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A healthy machine, one with eight cards, and one with much that is broken and a hostile name."""
    folder = tmp_path_factory.mktemp("machines")
    places = {"healthy": folder / "healthy", "eight": folder / "eight", "broken": folder / "<b onclick=x>&quot;"}
    for name, profile in (("healthy", "mi50x3"), ("eight", "mi50x8"), ("broken", "mi50x3")):
        build(profile, places[name])
    for what, card in (("hot", 2), ("link-narrow", 1), ("small-bar", 0), ("relabelled", 1)):
        vary(places["broken"], what, card=card)
    (places["broken"] / "dev").mkdir(exist_ok=True)
    story = to_kmsg("reset-ok", card="0000:06:00.0", port="0000:00:02.0")
    (places["broken"] / "dev/kmsg").write_text(story)
    for name, place in places.items():
        main(["health", f"--machine=capture:{place}", "--format=html", f"--output={folder}/{name}.html"])
    return {name: folder / f"{name}.html" for name in places}


def opened(browser: Browser, path: Path, *, scheme: str = "light", width: int = 1280) -> tuple[Page, list[str]]:
    """The page, and whatever it complained about or asked for."""
    page = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme).new_page()  # type: ignore[arg-type]
    noise: list[str] = []

    def asked(request: Request) -> None:
        if request.url != path.as_uri():
            noise.append(request.url)

    page.on("console", lambda message: noise.append(message.text))
    page.on("pageerror", lambda error: noise.append(str(error)))
    page.on("request", asked)
    page.goto(path.as_uri())
    PICTURES.mkdir(exist_ok=True)
    page.screenshot(path=PICTURES / f"health-{path.stem}-{scheme}-{width}.png", full_page=True)
    return page, noise


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", CARDS)
def test_the_page_is_whole_and_quiet(browser: Browser, pages: dict[str, Path], name: str, scheme: str) -> None:
    page, noise = opened(browser, pages[name], scheme=scheme)
    count = CARDS[name]
    assert noise == []
    assert page.locator("#cards .card").count() == count
    assert page.locator("svg.topology g.gpu").count() == count
    assert page.locator("#p2p tbody td").count() == count * count
    assert page.locator("#p2p tbody td:not(.self)").count() == count * (count - 1)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_what_is_broken_is_seen_first(browser: Browser, pages: dict[str, Path]) -> None:
    page, _ = opened(browser, pages["broken"])
    assert page.locator("h1").inner_text() == "Something is doing harm now"
    first = page.locator("#todo .finding").first
    assert "THERMAL_CRITICAL" in first.inner_text()
    for remedy in page.locator("#todo .remedy").all():
        assert remedy.is_visible()
        assert len(remedy.inner_text()) > len("Remedy: ")
    assert "could 8 GT/s x16" in page.locator("svg.topology").inner_html()
    assert page.locator("#p2p td.fail").count() == 2
    assert page.locator(".timeline > li").count() == 1
    evidence = first.locator("details")
    assert not evidence.locator("li").first.is_visible()
    evidence.locator("summary").click()
    assert evidence.locator("li").first.is_visible()


def test_colour_is_never_the_only_sign(browser: Browser, pages: dict[str, Path]) -> None:
    page, _ = opened(browser, pages["broken"])
    for mark in page.locator(".badge, #p2p tbody td:not(.self)").all():
        words = mark.text_content() or ""
        assert any(letter.isalpha() for letter in words), words
    assert page.locator("svg.topology title").count() > 0
    assert page.locator("table caption, table[aria-label]").count() == page.locator("table").count()


def test_it_fits_a_telephone_and_a_sheet_of_paper(browser: Browser, pages: dict[str, Path]) -> None:
    page, noise = opened(browser, pages["eight"], width=390)
    assert noise == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert len(page.pdf(format="A4")) > 20_000
