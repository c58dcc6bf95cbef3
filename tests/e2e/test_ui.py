"""The UI as finance uses it: start the server, choose a month in the launchpad, see it settle with its checks green.

``SETTLEMENT_PICTURES=1`` also takes the pictures of docs/pictures. Needs chromium and chromedriver.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.browser]

MONTH = "2023-09"
ORDERS = 60
ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs" / "pictures"
START_SECONDS, RUN_SECONDS, PAGE_SECONDS = 120, 900, 60
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1600,1100",
]


LOCATIONS = """{workspaceOrError {... on Workspace {locationEntries
    {name loadStatus locationOrLoadError {__typename ... on PythonError {message}}}}}}"""


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("ui") / "home"
    command = ["sample", "--month", MONTH, "--orders", str(ORDERS), "--home", str(folder)]
    subprocess.run([sys.executable, "-m", "settlement.cli", *command], check=True, capture_output=True)
    return folder


class Server:
    """``settlement ui`` on a free port."""

    def __init__(self, home: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = home.parent / "ui.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "settlement.cli", "ui", "--home", str(home), "--port", str(self.port)],
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=home.parent,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )

    def wait(self) -> None:
        """Until it answers and has loaded the definitions; fails with its log."""
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            try:
                (location,) = self.ask(LOCATIONS)["workspaceOrError"]["locationEntries"]
            except (urllib.error.URLError, OSError):
                location = {"loadStatus": "not serving yet"}
            if location["loadStatus"] == "LOADED":
                assert location["locationOrLoadError"]["__typename"] == "RepositoryLocation", location
                # Newcomers are asked to sign up, sooner or later after a page has opened: say that they were.
                self.ask("mutation {setNuxSeen}")
                return
            time.sleep(0.5)
        pytest.fail(f"the server did not start:\n{self.log.read_text(encoding='utf-8', errors='replace')[-3000:]}")

    def ask(self, query: str) -> dict:
        """A GraphQL query."""
        body = json.dumps({"query": query}).encode()
        request = urllib.request.Request(f"{self.url}/graphql", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=PAGE_SECONDS) as answer:
            return json.load(answer)["data"]

    def stop(self) -> None:
        """As Ctrl+C does."""
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()


@pytest.fixture(scope="module")
def server(home) -> Iterator[Server]:
    running = Server(home)
    try:
        running.wait()
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="module")
def browser():
    if not (CHROMIUM and DRIVER):
        pytest.skip("chromium and chromedriver are not installed")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    profile = tempfile.mkdtemp(prefix="chromium-")
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(service=Service(DRIVER), options=options)
    yield driver
    driver.quit()
    shutil.rmtree(profile, ignore_errors=True)


class Page:
    """What the test does with a page: open, wait for text, press, type, take its picture."""

    def __init__(self, driver, url: str) -> None:
        self.driver, self.url = driver, url

    def open(self, path: str) -> None:
        self.driver.get(self.url + path)
        self.until(lambda: len(self.text()) > 100, f"{path} stays empty")

    def all(self, xpath: str) -> list:
        from selenium.webdriver.common.by import By

        return self.driver.find_elements(By.XPATH, xpath)

    def text(self) -> str:
        from selenium.common.exceptions import StaleElementReferenceException

        try:
            return "".join(body.text for body in self.all("//body"))
        except StaleElementReferenceException:
            return ""

    def until(self, holds: Callable[[], object], why: str, seconds: float = PAGE_SECONDS):
        """What ``holds`` returns, once it is true."""
        from selenium.common.exceptions import StaleElementReferenceException

        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                found = holds()
            except StaleElementReferenceException:
                found = None
            if found:
                return found
            time.sleep(0.3)
        self.driver.save_screenshot(str(Path(tempfile.gettempdir()) / "settlement-ui-failure.png"))
        pytest.fail(f"{why}; the page says:\n{self.text()[:2000]}")

    def press(self, xpath: str, what: str) -> None:
        self.until(lambda: [element.click() or True for element in self.all(xpath)[:1]], f"there is no {what}")

    def write(self, xpath: str, text: str, what: str) -> None:
        """Type into a field; what a page that is still being built has swallowed is typed again."""

        def typed() -> bool:
            for field in self.all(xpath)[:1]:
                if field.get_attribute("value") != text:
                    field.click()
                    field.clear()
                    field.send_keys(text)
                return field.get_attribute("value") == text
            return False

        self.until(typed, f"there is no {what}")

    def picture(self, name: str) -> None:
        if not os.environ.get("SETTLEMENT_PICTURES"):
            return
        from selenium.webdriver.common.actions.action_builder import ActionBuilder

        away = ActionBuilder(self.driver)
        away.pointer_action.move_to_location(1, 1)
        away.perform()
        time.sleep(3)  # graphs settle, spinners and tooltips go
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(PICTURES / f"{name}.png"))


@pytest.fixture(scope="module")
def launched(server, browser) -> str:
    """Launch the month from the launchpad; the run's id once its page shows how it ended."""
    page = Page(browser, server.url)
    page.open("/locations/settlement/jobs/settle_month/playground")
    page.write("//input[@placeholder='Partition']", MONTH, "field for the month")
    page.press(f"//*[@role='menuitem' or self::a or self::li]//*[text()='{MONTH}']", f"month {MONTH} in the list")
    page.until(lambda: page.all("//button[contains(., 'Launch Run')][not(@disabled)]"), "the launch button stays grey")
    page.picture("ui-launchpad")
    page.press("//button[contains(., 'Launch Run')]", "launch button")
    page.until(lambda: "/runs/" in browser.current_url, "launching opened no run")
    ended = page.until(
        lambda: next((word for word in ("Success", "Failure", "Canceled") if word in page.text().splitlines()), None),
        "the run did not end",
        RUN_SECONDS,
    )
    errored = page.text().partition("Errored (")[2].partition("Succeeded (")[0]
    assert ended == "Success", f"failed steps: {errored}"
    return browser.current_url.rsplit("/", 1)[1].split("?")[0]


def test_a_month_launched_from_the_launchpad_succeeds(launched, server, home):
    (run,) = server.ask("{runsOrError {... on Runs {results {runId status tags {key value}}}}}")["runsOrError"][
        "results"
    ]
    assert (run["runId"], run["status"]) == (launched, "SUCCESS")
    assert {"key": "dagster/partition", "value": MONTH} in run["tags"]
    assert (home / "warehouse" / "settlement.duckdb").is_file()
    assert list((home / "statements" / MONTH).glob("月结汇总-*.xlsx"))


def test_every_check_of_the_run_is_green(launched, server):
    query = """{assetNodes {assetKey {path} assetChecksOrError {... on AssetChecks
        {checks {name blocking executionForLatestMaterialization {status runId}}}}}}"""
    checks = [
        ("/".join(node["assetKey"]["path"]), check)
        for node in server.ask(query)["assetNodes"]
        for check in node["assetChecksOrError"].get("checks", [])
    ]
    assert len(checks) > 40
    assert sum(check["blocking"] for _, check in checks) > 40
    not_green = {
        (asset, check["name"]): check["executionForLatestMaterialization"]
        for asset, check in checks
        if (check["executionForLatestMaterialization"] or {}).get("status") != "SUCCEEDED"
        or check["executionForLatestMaterialization"]["runId"] != launched
    }
    assert not_green == {}


@pytest.mark.parametrize("asset, picture", [("principal_balances", "ui-checks"), ("unmatched_receipts", None)])
def test_the_page_of_an_asset_shows_its_checks_green(launched, server, browser, asset, picture):
    page = Page(browser, server.url)
    page.open(f"/assets/{asset}?view=checks")
    page.until(lambda: "Evaluation result" in page.text(), "no check was evaluated")
    lines = page.text().splitlines()
    wanted = int(next(line for line in lines if line.startswith("Checks (")).removeprefix("Checks (").removesuffix(")"))
    assert wanted >= 2
    assert lines.count("Succeeded") == wanted
    assert "Passed" in lines
    assert "Failed" not in lines
    if picture:
        page.picture(picture)


def test_the_page_of_an_asset_shows_totals_preview_rules_and_sql(launched, server, browser):
    page = Page(browser, server.url)
    page.open(f"/assets/principal_ledger?view=partitions&partition={MONTH}")
    for name in ("dagster/row_count", "control_totals", "preview", "sql", "rules"):
        page.until(lambda name=name: name in page.text(), f"no {name}")
    assert "EXP-BAL-01" in page.text()
    page.picture("ui-metadata")
    page.press("//*[contains(text(), 'Show Markdown')]", "preview to open")
    page.until(lambda: f"{MONTH}-00000001" in page.text(), "the preview shows no posting")
    page.picture("ui-preview")


@pytest.mark.parametrize(
    "path, words, picture",
    [
        ("/asset-groups", ["ingest", "matching", "settlement", "statements", "publish"], "ui-stages"),
        ("/locations/settlement/asset-groups/matching/lineage", ["matched_money", "2 / 2 Passed"], "ui-assets"),
    ],
)
def test_the_lineage_shows_the_stages_in_order(launched, server, browser, path, words, picture):
    page = Page(browser, server.url)
    page.open(path)
    page.until(lambda: all(word in page.text() for word in words), f"not all of {words} are shown")
    page.picture(picture)


def test_the_page_of_the_run_lists_the_checks(launched, server, browser):
    page = Page(browser, server.url)
    page.open(f"/runs/{launched}")
    # Of the checks' events those that name no folder: the picture is published.
    page.write("//input[starts-with(@placeholder, 'Filter')]", "'published_shape' on", "filter of the log")
    page.until(lambda: page.text().count("succeeded for materialization") > 3, "the run shows no check")
    assert "Errored (0)" in page.text()
    page.picture("ui-run")
