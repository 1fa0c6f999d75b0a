// Returns what is wrong with the page for those who use a keyboard, a screen
// reader or poor eyes: one line for each fault.
(() => {
  const faults = [];
  const where = (e) => e.tagName.toLowerCase() + (e.id ? "#" + e.id : "") + (e.className && e.className.baseVal === undefined ? "." + e.className : "") + " " + JSON.stringify((e.textContent || "").trim().slice(0, 30));
  const shown = (e) => e.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true });
  const all = (selector) => [...document.querySelectorAll(selector)];

  if (!document.documentElement.lang) faults.push("the page has no language");
  if (!document.title.trim()) faults.push("the page has no title");
  if (all("h1").filter(shown).length !== 1) faults.push("the page has " + all("h1").length + " headings of the first level");
  let level = 0;
  for (const h of all("h1,h2,h3,h4").filter(shown)) {
    const n = Number(h.tagName[1]);
    if (n > level + 1) faults.push("a heading leaves a level out: " + where(h));
    level = n;
  }
  for (const landmark of ["header", "main", "footer"]) {
    if (all("body > " + landmark).length !== 1) faults.push("there is not one " + landmark);
  }
  const first = all("a[href],button,input,select,textarea,[tabindex='0']").find(shown);
  if (first?.getAttribute("href") !== "#main") faults.push("the first stop of the keyboard does not lead to the content");
  for (const e of all("[tabindex]")) {
    if (Number(e.getAttribute("tabindex")) > 0) faults.push("it is out of the keyboard's order: " + where(e));
  }
  const ids = new Set();
  for (const e of all("[id]")) {
    if (ids.has(e.id)) faults.push("two have the id " + e.id);
    ids.add(e.id);
  }

  // Names.
  const name = (e) => e.getAttribute("aria-label") || (e.getAttribute("aria-labelledby") && document.getElementById(e.getAttribute("aria-labelledby"))?.textContent) ||
    [...(e.labels || [])].map((l) => l.textContent).join(" ") || e.textContent || e.getAttribute("alt") || "";
  for (const e of all("input:not([type=hidden]),select,textarea")) {
    if (!e.getAttribute("aria-label") && !(e.labels && e.labels.length)) faults.push("a field has no label: " + where(e) + " " + e.name);
  }
  for (const e of all("button,a[href],nav,[role=region],[role=img],[role=search],dialog")) {
    if (e.tagName === "BUTTON" || e.tagName === "A" ? !name(e).trim() : !(e.getAttribute("aria-label") || e.getAttribute("aria-labelledby"))) faults.push("it has no name: " + where(e));
  }
  for (const e of all("img")) if (!e.hasAttribute("alt")) faults.push("a picture has no alternative: " + e.src);
  for (const e of all("svg")) if (e.getAttribute("aria-hidden") !== "true" && !e.getAttribute("aria-label") && !e.getAttribute("aria-labelledby")) faults.push("a drawing has no name");
  for (const table of all("table")) {
    for (const th of table.querySelectorAll("th")) {
      if (!th.scope) faults.push("a heading of a table has no scope: " + where(th));
      if (!th.textContent.trim()) faults.push("a heading of a table is empty");
    }
  }

  // Contrast, of text against what is behind it.
  const parse = (c) => {
    const n = c.match(/[\d.]+/g).map(Number);
    return { r: n[0], g: n[1], b: n[2], a: n[3] === undefined ? 1 : n[3] };
  };
  const over = (top, under) => ({ r: top.r * top.a + under.r * (1 - top.a), g: top.g * top.a + under.g * (1 - top.a), b: top.b * top.a + under.b * (1 - top.a), a: 1 });
  const behind = (e) => {
    const layers = [];
    for (let at = e; at; at = at.parentElement) layers.push(parse(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((under, top) => over(top, under), { r: 255, g: 255, b: 255, a: 1 });
  };
  const light = ({ r, g, b }) => {
    const [x, y, z] = [r, g, b].map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ratio = (a, b) => {
    const [dark, bright] = [light(a), light(b)].sort((x, y) => x - y);
    return (bright + 0.05) / (dark + 0.05);
  };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = new Set();
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || seen.has(e) || !shown(e) || e.closest("svg,script,[disabled],option")) continue;
    seen.add(e);
    if (/%!|<no value>|<nil>|undefined|\bNaN\b/.test(walk.currentNode.data)) faults.push("a value was not written: " + where(e));
    const style = getComputedStyle(e), back = behind(e);
    const size = parseFloat(style.fontSize), large = size >= 24 || size >= 18.66 && Number(style.fontWeight) >= 700;
    const got = ratio(over(parse(style.color), back), back);
    if (got < (large ? 3 : 4.5)) faults.push("its contrast is " + got.toFixed(2) + ": " + where(e));
  }
  for (const e of all("input:not([type=hidden]):not([type=checkbox]),select,textarea").filter(shown)) {
    const style = getComputedStyle(e);
    const got = ratio(parse(style.borderTopColor), behind(e.parentElement));
    if (got < 3) faults.push("the edge of a field has a contrast of " + got.toFixed(2) + ": " + where(e));
  }

  // Focus can be seen, and nothing is wider than the page.
  for (const e of all("a[href],button,input:not([type=hidden]),select,textarea,summary,[tabindex='0']").filter(shown)) {
    document.activeElement?.blur();
    e.focus({ focusVisible: true });
    if (document.activeElement !== e) continue;
    const style = getComputedStyle(e);
    if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) faults.push("its focus cannot be seen: " + where(e));
  }
  document.activeElement?.blur();
  window.scrollTo(0, 0);
  if (document.documentElement.scrollWidth > innerWidth) faults.push("the page is " + document.documentElement.scrollWidth + " wide, and the window " + innerWidth);
  return faults;
})()
