"""The live page in a real browser: it draws what is heard, shows events, and its buttons do what they say.

Screenshots go to build/screenshots.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pulse import wait_for
from selenium import webdriver
from selenium.webdriver.chrome.service import Service as DriverService
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from signals import tone
from test_servers_http import Site

import kws
from kws.events import Detection, SourceLost, Transcript
from kws.servers.live import LiveView
from kws.types import SAMPLE_RATE, Block

pytestmark = pytest.mark.debian("chromium", "chromium-driver")

SCREENSHOTS = Path(__file__).parents[1] / "build" / "screenshots"
WORD = Detection("computer", 0.91, 0.5, 1.0, 2.0, "mic")
PHONE, DESK = (360, 740), (1280, 900)
MODEL = {
    "name": "computer",
    "labels": ["computer"],
    "threshold": 0.5,
    "settings": [
        {"threshold": 0.4, "false_alarms_per_day": 12.0, "misses_percent": 1.5},
        {"threshold": 0.6, "false_alarms_per_day": 3.0, "misses_percent": 2.5},
    ],
}


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    # Root cannot use the sandbox, and a container's /dev/shm is small.
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        options.add_argument(argument)
    options.binary_location = shutil.which("chromium") or "chromium"
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, DriverService(shutil.which("chromedriver"), log_output=os.devnull))
    yield driver
    driver.quit()


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    site.room.models = lambda: [MODEL]  # type: ignore[method-assign]
    yield site
    site.close()


@pytest.fixture
def page(browser: webdriver.Chrome, site: Site) -> Iterator[webdriver.Chrome]:
    browser.get_log("browser")  # what others left there
    browser.get(f"http://127.0.0.1:{site.server.port}/")
    wait_for(lambda: text(browser, "state") == "listening", "connection")
    yield browser
    browser.get("about:blank")  # leaves before the server does


def text(page: webdriver.Chrome, name: str) -> str:
    found: str = page.find_element(By.ID, name).text
    return found


def show(site: Site, level: float, score: float) -> None:
    view = {"rows": [[200] * 40] * 4, "scores": [[[score]]], "level": level}
    site.live.publish("audio", json.dumps(view))


def pixel(page: webdriver.Chrome, selector: str, from_right: int, from_bottom: int) -> list[int]:
    """Red, green, blue of a canvas."""
    script = """
        const canvas = document.querySelector(arguments[0]);
        const at = [canvas.width - arguments[1], canvas.height - arguments[2]];
        return [...canvas.getContext("2d").getImageData(...at, 1, 1).data].slice(0, 3);
    """
    colour: list[int] = page.execute_script(script, selector, from_right, from_bottom)
    return colour


def test_it_draws_what_is_heard(page: webdriver.Chrome, site: Site) -> None:
    show(site, level=-40.0, score=0.9)
    wait_for(lambda: text(page, "decibel") == "-40.0 dB", "level")
    assert max(pixel(page, "#spectrogram", 2, 10)) > 100
    assert max(pixel(page, "#spectrogram", 50, 10)) == 0
    assert pixel(page, ".scores", 2, 5) == [255, 136, 0], "a score over its threshold stands out"
    assert page.execute_script("return document.getElementById('level').style.width") == "50%"
    for number in range(10):
        show(site, level=-41.0 - number, score=0.1)
    wait_for(lambda: text(page, "decibel") == "-50.0 dB", "level")
    assert max(pixel(page, "#spectrogram", 42, 10)) > 100, "it has moved on"
    assert pixel(page, ".scores", 2, 3) == [34, 170, 119]


def test_it_shows_events_and_the_transcript(page: webdriver.Chrome, site: Site) -> None:
    site.feed.emit(WORD)
    site.feed.emit(Transcript("<b>lights on</b>", 0.8, 2.0, 3.0))
    site.feed.emit(SourceLost(3.0, "the driver stopped", "mic"))
    wait_for(lambda: "the driver stopped" in text(page, "events"), "events")
    assert "computer 0.91 of 0.50" in text(page, "events")
    assert text(page, "transcript") == "<b>lights on</b>", "what is said is text, never markup"


def test_events_from_before_are_shown_with_their_time(browser: webdriver.Chrome, site: Site) -> None:
    site.feed.emit(WORD)
    browser.get(f"http://127.0.0.1:{site.server.port}/")
    wait_for(lambda: "computer" in text(browser, "events"), "event")
    line = browser.find_element(By.CSS_SELECTOR, "#events li")
    assert line.get_attribute("title") == "1970-01-01T00:00:00.250Z"
    at = browser.execute_script("return new Date(250).toLocaleTimeString()")
    assert line.text.startswith(at)
    browser.get("about:blank")


def test_the_slider_shows_what_a_threshold_costs_and_sets_it(page: webdriver.Chrome, site: Site) -> None:
    cost = page.find_element(By.CLASS_NAME, "cost")
    assert "12 false alarms a day" in cost.text
    script = """
        const slider = document.querySelector("input");
        slider.value = arguments[0];
        slider.dispatchEvent(new Event("input"));
        slider.dispatchEvent(new Event("change"));
    """
    page.execute_script(script, 0.65)
    assert "3 false alarms a day" in cost.text
    wait_for(lambda: site.room.thresholds == {0: 0.65}, "threshold")
    page.execute_script(script, 0.1)
    assert "below every threshold that was measured" in cost.text


def test_it_follows_a_reload(page: webdriver.Chrome, site: Site) -> None:
    def slider() -> WebElement:
        return page.find_element(By.CSS_SELECTOR, "#models input")

    before = slider()
    before.click()  # it has the focus from now on
    site.room.models = lambda: [{**MODEL, "threshold": 0.25}]  # type: ignore[method-assign]
    site.live.publish("models", "{}")
    wait_for(lambda: slider().get_attribute("value") == "0.25", "another threshold")
    assert slider() == before, "whoever uses it keeps it"

    site.room.models = lambda: [  # type: ignore[method-assign]
        {**MODEL, "name": name, "labels": [name], "threshold": threshold}
        for name, threshold in (("jarvis", 0.75), ("alexa", 0.5))
    ]
    site.live.publish("models", "{}")
    wait_for(lambda: text(page, "models").split("\n")[0] == "jarvis", "another word")
    assert [label.text for label in page.find_elements(By.CSS_SELECTOR, "#models h2")] == ["jarvis", "alexa"]
    assert slider().get_attribute("value") == "0.75"
    view = {"rows": [[200] * 40] * 4, "scores": [[[0.5]], [[0.9]]], "level": -40.0}
    site.live.publish("audio", json.dumps(view))
    wait_for(lambda: text(page, "decibel") == "-40.0 dB", "level")
    assert pixel(page, "#models article:last-child .scores", 2, 5) == [255, 136, 0]


def test_a_slider_stays_where_it_was_put_until_that_is_in_force(page: webdriver.Chrome, site: Site) -> None:
    asked, given = threading.Event(), threading.Event()

    def slowly(model: int, threshold: float) -> None:
        asked.set()
        assert given.wait(60)

    site.room.set_threshold = slowly  # type: ignore[method-assign]
    value = 'return document.querySelector("#models input").value'
    move = """
        const slider = document.querySelector("#models input");
        slider.value = arguments[0];
        slider.dispatchEvent(new Event("change"));
    """
    page.execute_script(move, 0.75)
    assert asked.wait(60)
    site.room.models = lambda: [{**MODEL, "threshold": 0.25}]  # type: ignore[method-assign]
    site.live.publish("models", "{}")  # of what somebody asked for before
    wait_for(lambda: over_threshold(page, site, score=0.3), "the other threshold")
    assert page.execute_script(value) == "0.75"
    given.set()
    wait_for(lambda: not over_threshold(page, site, score=0.3), "our threshold")


def over_threshold(page: webdriver.Chrome, site: Site, score: float) -> bool:
    """Whether the page draws it so."""
    show(site, level=-40.0, score=score)
    return pixel(page, ".scores", 2, 5) == [255, 136, 0]


@pytest.mark.parametrize("kind", ["false-alarm", "missed"])
def test_the_buttons_keep_the_last_seconds(page: webdriver.Chrome, site: Site, kind: str) -> None:
    page.find_element(By.ID, kind).click()
    wait_for(lambda: f"/recordings/{kind}.wav" in text(page, "marked"), "answer")
    assert site.room.marked == [kind]


@pytest.mark.parametrize("size", [PHONE, DESK])
def test_it_fits_and_says_nothing_wrong(
    browser: webdriver.Chrome, page: webdriver.Chrome, site: Site, size: tuple[int, int]
) -> None:
    script = "Emulation.setDeviceMetricsOverride"
    width, height = size
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd(script, metrics)
    site.feed.emit(WORD)
    for number in range(200):
        show(site, level=-60.0 + number % 50, score=number / 200)
    wait_for(lambda: "computer" in text(page, "events"), "event")
    assert page.execute_script("return document.documentElement.scrollWidth") <= width
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    assert page.save_screenshot(str(SCREENSHOTS / f"live-{width}.png"))
    assert [entry for entry in page.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_the_view_of_real_audio(site: Site) -> None:
    """Blocks in, rows and scores out, through the daemon's own tap."""
    view = LiveView(site.live, site.thread.loop, lambda: kws.load("computer", confirm="none"))
    view.tap(Block(tone(440)[:SAMPLE_RATE]))  # nobody looks
    answer = site.ask("/live")
    wait_for(lambda: site.live.subscribers == 1, "reader")
    view.tap(Block(tone(440)[:SAMPLE_RATE]))
    while not (line := answer.readline()).startswith(b"data: "):
        pass
    shown = json.loads(line.removeprefix(b"data: "))
    rows = np.array(shown["rows"])
    assert rows.shape == (98, 40)
    assert rows.min() >= 0
    assert rows.max() <= 255
    assert len(shown["scores"][0]) == 98 // 3
    assert shown["level"] == pytest.approx(-7.3, abs=0.1)
