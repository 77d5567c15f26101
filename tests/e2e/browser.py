"""A headless Chromium for tests that look at a page, and what they measure in it."""

import base64
import shutil
import unittest

try:
    from selenium import webdriver
except ImportError:
    webdriver = None

MISSING = next((f"no {name} (package {package})" for name, package, found in (
    ("chromium", "chromium", shutil.which("chromium")), ("chromedriver", "chromium-driver", shutil.which("chromedriver")),
    ("selenium", "python3-selenium", webdriver)) if not found), None)

# The boxes of elements in the window, in its pixels.
RECTS = """
return arguments[0].map((selector) => {
  const box = document.querySelector(selector).getBoundingClientRect();
  return {left: box.left, top: box.top, right: box.right, bottom: box.bottom};
});"""

# The lowest contrast (WCAG 2.2, 1.4.3) of the text of elements that a selector names, and its text.
CONTRAST = """
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
return arguments[0].map((selector) => {
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
});"""

# Of parts of a picture: how many colours they have, and how light they are (0 to 1).
PIXELS = """
const [picture, boxes, done] = arguments;
const image = new Image();
image.onload = () => {
  const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d", {willReadFrequently: true});
  canvas.drawImage(image, 0, 0);
  done(boxes.map((box) => {
    const left = Math.max(0, Math.round(box.left)), top = Math.max(0, Math.round(box.top));
    const width = Math.min(image.width, Math.round(box.right)) - left, height = Math.min(image.height, Math.round(box.bottom)) - top;
    if (width < 1 || height < 1) return null;
    const data = new Uint32Array(canvas.getImageData(left, top, width, height).data.buffer);
    let sum = 0;
    for (const pixel of data) sum += (pixel & 255) + ((pixel >> 8) & 255) + ((pixel >> 16) & 255);
    return {colours: new Set(data).size, light: sum / data.length / 765};
  }));
};
image.src = "data:image/png;base64," + picture;"""


@unittest.skipIf(MISSING, MISSING)
class Browser:
    """Mixed into a test case. `browse` opens pages of a directory in the test's own browser."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        options = webdriver.ChromeOptions()
        # Its own sandbox does not work for root; it shows nothing but what these tests made.
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                         "--window-size=1280,1200", "--lang=en"):
            options.add_argument(argument)
        options.binary_location = shutil.which("chromium")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        service = webdriver.chrome.service.Service(shutil.which("chromedriver"))
        cls.driver = webdriver.Chrome(service=service, options=options)
        cls.addClassCleanup(cls.driver.quit)
        cls.driver.set_page_load_timeout(120)
        cls.driver.set_script_timeout(120)

    def browse(self, path, scheme="light", width=1280, height=1200):
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia",
                                    {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                    {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})
        self.driver.get("about:blank")
        self.driver.get(f"file://{path}")

    def js(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def find(self, selector):
        return self.driver.find_element("css selector", selector)

    def texts(self, selector):
        return self.js("return [...document.querySelectorAll(arguments[0])].filter((node) => node.getClientRects().length)"
                       ".map((node) => node.textContent)", selector)

    def rects(self, *selectors):
        return dict(zip(selectors, self.js(RECTS, selectors)))

    def contrasts(self, *selectors):
        return self.js(CONTRAST, selectors)

    def picture(self):
        """Of the window as it is drawn now."""
        return base64.b64encode(self.driver.get_screenshot_as_png()).decode()

    def pixels(self, picture, boxes):
        """Leaves the page, whose policy does not let a picture in."""
        self.driver.get("about:blank")
        return self.driver.execute_async_script(PIXELS, picture, boxes)

    def complaints(self):
        return [entry["message"] for entry in self.driver.get_log("browser")]
