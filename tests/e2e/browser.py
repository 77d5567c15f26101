"""A headless Chromium for tests that look at a page, and what they measure in it."""

import base64
import os
import pathlib
import shutil
import sys
import time
import unittest

# Where scripts/setup puts what Debian does not have. A Playwright from elsewhere would be of another version.
PACKAGES = pathlib.Path(__file__).resolve().parents[2] / "build" / "python"
expect = sync_playwright = None
if (PACKAGES / "playwright").is_dir():
    sys.path.insert(0, str(PACKAGES))
    try:
        from playwright.sync_api import expect, sync_playwright
    except ImportError:  # Installed for another version of Python.
        pass

MISSING = next((f"no {name} ({source})" for name, source, found in (
    ("chromium", "package chromium", shutil.which("chromium")),
    ("playwright", "scripts/setup test", sync_playwright)) if not found), None)

# Patient, because the machine may be busy: milliseconds.
PATIENCE = 60_000

# The boxes of elements in the window, in its pixels.
RECTS = """(selectors) => selectors.map((selector) => {
  const box = document.querySelector(selector).getBoundingClientRect();
  return {left: box.left, top: box.top, right: box.right, bottom: box.bottom};
})"""

# The lowest contrast (WCAG 2.2, 1.4.3) of the text of elements that a selector names, and its text.
CONTRAST = """(selectors) => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
  const over = (under, colour) => {
    canvas.fillStyle = `rgb(${under})`;
    canvas.fillRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const ground = (node) => {
    if (!node) return [255, 255, 255];
    return over(ground(node.parentElement), getComputedStyle(node).backgroundColor);
  };
  const light = (colour) => colour.map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  return selectors.map((selector) => {
    const all = [...document.querySelectorAll(selector)].filter((node) => node.getClientRects().length > 0);
    const measured = all.map((node) => {
      const style = getComputedStyle(node);
      const inPicture = node instanceof SVGElement;
      let under = ground(inPicture ? node.closest("div") : node);
      const rect = inPicture && node.parentNode.querySelector("rect");
      if (rect) under = over(under, getComputedStyle(rect).fill);
      const [a, b] = [light(under), light(over(under, inPicture ? style.fill : style.color))];
      return {selector, text: node.textContent.slice(0, 40), contrast: (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)};
    });
    return measured.reduce((worst, one) => one.contrast < worst.contrast ? one : worst, {selector, text: "nothing", contrast: measured.length ? 99 : 0});
  });
}"""

# Of parts of a picture: how many colours they have, the mean of them (red, green, blue), and how light they are (0 to 1);
# with a colour how many pixels are of it, and with a picture from before how many are other ones; what is drawn anew can
# be a shade off, for example in round corners.
PIXELS = """async ({picture, boxes, colour, before}) => {
  const drawn = async (data) => {
    const image = new Image();
    image.src = "data:image/png;base64," + data;
    await image.decode();
    const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d", {willReadFrequently: true});
    canvas.drawImage(image, 0, 0);
    return canvas;
  };
  const [now, then] = [await drawn(picture), before && await drawn(before)];
  const wanted = colour && (() => {
    const canvas = new OffscreenCanvas(1, 1).getContext("2d");
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return new Uint32Array(canvas.getImageData(0, 0, 1, 1).data.buffer)[0];
  })();
  const differs = (a, b) => [0, 8, 16].some((shift) => Math.abs(((a >> shift) & 255) - ((b >> shift) & 255)) > 4);
  return boxes.map((box) => {
    const left = Math.max(0, Math.round(box.left)), top = Math.max(0, Math.round(box.top));
    const width = Math.min(now.canvas.width, Math.round(box.right)) - left;
    const height = Math.min(now.canvas.height, Math.round(box.bottom)) - top;
    if (width < 1 || height < 1) return null;
    const read = (canvas) => new Uint32Array(canvas.getImageData(left, top, width, height).data.buffer);
    const data = read(now), old = then && read(then);
    const counts = new Map();
    let red = 0, green = 0, blue = 0, changed = 0;
    for (let i = 0; i < data.length; ++i) {
      const pixel = data[i];
      counts.set(pixel, (counts.get(pixel) || 0) + 1);
      red += pixel & 255;
      green += (pixel >> 8) & 255;
      blue += (pixel >> 16) & 255;
      if (old && old[i] !== pixel && differs(old[i], pixel)) ++changed;
    }
    return {colours: counts.size, mean: [red, green, blue].map((sum) => sum / data.length),
      light: (red + green + blue) / data.length / 765, of_colour: counts.get(wanted) || 0, changed};
  });
}"""


@unittest.skipIf(MISSING, MISSING)
class Browser:
    """Mixed into a test case. Each test has a window of its own, in which `browse` opens pages. It is offline, and after
    each test it is an error if a page asked for anything but itself (`strangers`)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Nothing is ever downloaded: the browser is Debian's.
        os.environ["PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD"] = "1"
        playwright = sync_playwright().start()
        cls.addClassCleanup(playwright.stop)
        expect.set_options(timeout=PATIENCE)
        # Its own sandbox does not work for root; it shows nothing but what these tests made. It finds no name, because it
        # would look for its maker's.
        cls.chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), chromium_sandbox=False, timeout=2 * PATIENCE,
            args=["--disable-gpu", "--hide-scrollbars", "--lang=en", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"])
        cls.addClassCleanup(cls.chromium.close)
        # Where pictures are looked at, because the policy of a report lets none in.
        cls.darkroom = cls.chromium.new_page()

    def setUp(self):
        super().setUp()
        self.page = self.window(offline=True)
        self.opened, self.requests, self.told = set(), [], []
        self.page.on("request", lambda request: self.requests.append(request))
        self.page.on("console", lambda message: self.told.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.told.append(f"error: {error}"))

    def tearDown(self):
        self.assertEqual(self.strangers(), [], "what a page asks for beside itself")
        super().tearDown()

    def window(self, **options):
        context = self.chromium.new_context(viewport={"width": 1280, "height": 1200}, **options)
        self.addCleanup(context.close)
        context.set_default_timeout(PATIENCE)
        return context.new_page()

    def browse(self, path, scheme="light", width=1280, height=1200):
        self.page.emulate_media(color_scheme=scheme)
        self.page.set_viewport_size({"width": width, "height": height})
        self.go_to(path.as_uri())

    def go_to(self, address):
        """Also from the same page with another fragment it is loaded anew."""
        document = address.split("#")[0]
        self.opened.add(document)
        if self.page.url.split("#")[0] == document:
            self.page.goto("about:blank")
        self.page.goto(address)

    def js(self, script, argument=None):
        return self.page.evaluate(script, argument)

    def wait_until(self, script):
        """Playwright's own way needs eval(), which the policy of a report forbids."""
        deadline = time.monotonic() + PATIENCE / 1000
        while not self.js(script):
            self.assertLess(time.monotonic(), deadline, script)
            self.page.wait_for_timeout(20)

    def find(self, selector):
        return self.page.locator(selector)

    def texts(self, selector):
        """Of what is shown. Its place is not asked for: the browser knows none of rows that are not in sight, and would lay
        out the list anew for each."""
        return self.find(selector).evaluate_all("(all) => all.filter((node) => node.checkVisibility()).map((node) => node.textContent)")

    def rects(self, *selectors):
        return dict(zip(selectors, self.js(RECTS, selectors)))

    def contrasts(self, *selectors):
        return self.js(CONTRAST, selectors)

    def picture(self, **part):
        """Of the window as it is drawn now, or of a part of it."""
        return base64.b64encode(self.page.screenshot(**part)).decode()

    def pixels(self, picture, boxes, **compared):
        return self.darkroom.evaluate(PIXELS, {"picture": picture, "boxes": boxes, **compared})

    def complaints(self):
        """Of the console and of scripts since the last look: a policy's refusals too."""
        self.js("0")  # What was told before this answer is told by now.
        told, self.told[:] = list(self.told), []
        return told

    def strangers(self):
        """What was asked for beside the pages that were opened: addresses, and why it was not had."""
        return [(request.url, request.failure) for request in self.requests if request.url.split("#")[0] not in self.opened]
