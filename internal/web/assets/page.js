// What pages do better with a script. Every page works without.
"use strict";

// localTimes writes times in the reader's zone; the exact one stays as title.
function localTimes(root) {
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
  for (const time of root.querySelectorAll("time[datetime]")) {
    time.textContent = format.format(new Date(time.dateTime));
  }
}

// copyButtons shows the buttons that copy.
function copyButtons(root) {
  for (const button of root.querySelectorAll("button[data-copy]")) button.hidden = !navigator.clipboard;
}

function enhance(root) {
  localTimes(root);
  copyButtons(root);
}

async function copy(button) {
  const label = button.firstChild;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    label.textContent = "Copied";
  } catch {
    label.textContent = "Not allowed";
  }
  setTimeout(() => { label.textContent = "Copy"; }, 1500);
}

// ask shows the page behind a link, which asks whether something is meant, as
// a dialog over this one.
async function ask(link) {
  let question;
  try {
    const answer = await fetch(link.href, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    question = answer.ok && page.querySelector(".question");
  } catch { /* the link leads there as well */ }
  if (!question) {
    location.href = link.href;
    return;
  }
  const dialog = document.createElement("dialog");
  const content = document.importNode(question, true);
  const title = document.createElement("h2"); // the page behind has its own h1
  title.id = "question-title";
  title.textContent = content.querySelector("h1").textContent;
  content.querySelector("h1").replaceWith(title);
  dialog.setAttribute("aria-labelledby", title.id);
  dialog.append(content);
  enhance(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => {
    if (event.target.closest("[data-close]")) {
      event.preventDefault();
      dialog.close();
    }
  });
  document.body.append(dialog);
  dialog.showModal();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-copy]");
  if (button) copy(button);
  const link = event.target.closest("a[data-ask]");
  if (link && event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey) {
    event.preventDefault();
    ask(link);
  }
});

// refresh fetches the page anew and puts its live parts in the place of those
// that are shown. What somebody is just using is left alone.
// A refresh that is wanted while one is under way comes after it, as that may
// have been answered before what is now to be shown.
let refreshing = false, again = false;
async function refresh() {
  again = refreshing;
  if (refreshing) return;
  refreshing = true;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of document.querySelectorAll("[data-live]")) {
      const fresh = page.getElementById(part.id);
      if (!fresh || part.contains(document.activeElement) || fresh.innerHTML === part.dataset.seen) continue;
      part.dataset.seen = fresh.innerHTML;
      part.replaceChildren(...document.importNode(fresh, true).childNodes);
      enhance(part);
    }
  } catch { /* it is tried again */ } finally {
    refreshing = false;
  }
  if (again) await refresh();
}

// follow keeps the live parts of the page as they are on the server: upon
// events where there is a stream of them, else every so often. Nothing is
// asked while nobody looks.
function follow() {
  const parts = [...document.querySelectorAll("[data-live]")];
  if (parts.length === 0) return;
  const stream = parts.map((part) => part.dataset.events).find(Boolean);
  const every = Math.min(...parts.map((part) => Number(part.dataset.every) || 5000));
  if (!stream) {
    setInterval(() => { if (!document.hidden) refresh(); }, every);
    return;
  }
  // A browser comes back by itself when a stream breaks off, but not when it is
  // refused one, as while the server is replaced.
  const shortest = 5000, longest = 60000;
  let source, due, last = 0, pause = shortest, retry;
  const soon = () => {
    if (due) return;
    due = setTimeout(() => { due = 0; last = Date.now(); refresh(); }, Math.max(0, last + 1000 - Date.now()));
  };
  const open = () => {
    clearTimeout(retry);
    if (source || document.hidden) return;
    const opened = source = new EventSource(stream);
    opened.addEventListener("open", () => { pause = shortest; });
    opened.addEventListener("progress", soon);
    opened.addEventListener("finished", () => { soon(); opened.close(); });
    opened.addEventListener("error", () => {
      if (opened.readyState !== EventSource.CLOSED || source !== opened) return;
      source = undefined;
      retry = setTimeout(() => { soon(); open(); }, pause);
      pause = Math.min(pause * 2, longest);
    });
  };
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      clearTimeout(retry);
      source?.close();
      source = undefined;
    } else {
      open();
    }
  });
  open();
}

// A list is looked through without leaving the page, so that the file that was
// chosen is still there when it is handed in.
function lists(form) {
  for (const hint of form.querySelectorAll("[data-script]")) hint.hidden = false;
  const input = form.querySelector('input[type="file"]');
  const drop = form.querySelector("[data-drop]");
  for (const name of ["dragover", "dragleave", "drop"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", name === "dragover");
      if (name === "drop" && event.dataTransfer.files.length === 1) {
        input.files = event.dataTransfer.files;
        input.dispatchEvent(new Event("change", { bubbles: true }));
      }
    });
  }
  // What was looked through is not what is chosen now.
  form.addEventListener("change", (event) => {
    if (event.target.hasAttribute("data-free")) return;
    for (const button of form.querySelectorAll("#go button[formaction]")) button.disabled = true;
    for (const hint of form.querySelectorAll("[data-stale]")) hint.hidden = false;
  });
  form.addEventListener("submit", async (event) => {
    if (event.submitter?.hasAttribute("data-native")) return;
    event.preventDefault();
    const pressed = event.submitter;
    if (pressed) pressed.disabled = true;
    form.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(form.action, { method: "POST", body: new FormData(form) });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("list");
      if (!fresh) {
        location.assign("/new");
        return;
      }
      for (const id of ["check", "go"]) {
        const part = document.getElementById(id);
        part.replaceChildren(...document.importNode(fresh.querySelector("#" + id), true).childNodes);
        enhance(part);
      }
      const result = document.getElementById("check");
      result.focus();
      result.scrollIntoView({ block: "start" });
    } catch {
      const failed = document.createElement("p");
      failed.className = "error";
      failed.setAttribute("role", "alert");
      failed.textContent = "The server could not be reached, so nothing was looked through. Try again.";
      document.getElementById("check").replaceChildren(failed);
    } finally {
      if (pressed) pressed.disabled = false;
      form.removeAttribute("aria-busy");
    }
  });
}

enhance(document);
follow();
for (const form of document.querySelectorAll("form[data-list]")) lists(form);
