"use strict";
document.documentElement.classList.add("scripts");
const rows = [...document.querySelectorAll("tr.row")].map(row => ({ row, find: row.dataset.find, right: row.classList.contains("right") }));
const groups = [...document.querySelectorAll("tbody.group")].map(body => ({
    body, button: body.querySelector("button"), rows: rows.filter(entry => entry.row.parentElement === body),
}));
const filter = document.getElementById("filter");
const onlyWrong = document.getElementById("only-wrong");
const shown = document.getElementById("shown");

// A group is open or closed, or shows "some": only what is not right. While a filter is on, what fits is shown whatever the group is.
function open(group, isOpen) {
    group.state = isOpen ? "open" : "closed";
}

function show() {
    const words = filter.value.toLowerCase().split(/\s+/).filter(word => word.length > 0);
    const filtering = words.length > 0 || onlyWrong.checked;
    let count = 0;
    for (const group of groups) {
        let inGroup = 0;
        for (const entry of group.rows) {
            const fits = !(onlyWrong.checked && entry.right) && words.every(word => entry.find.includes(word));
            const isShown = filtering || group.state === "open" || (group.state === "some" && !entry.right);
            entry.row.hidden = !fits || !isShown;
            inGroup += fits ? 1 : 0;
        }
        group.body.hidden = filtering && inGroup === 0;
        group.button.setAttribute("aria-expanded", String(filtering || group.state === "open"));
        group.button.disabled = filtering;
        count += inGroup;
    }
    shown.textContent = filtering ? count + " of " + rows.length + " steps" : rows.length + " steps";
    document.getElementById("none").hidden = count > 0;
}

if (filter) {
    const anyWrong = rows.some(entry => !entry.right);
    for (const group of groups) {
        const right = group.body.classList.contains("right");
        group.state = rows.length <= 30 || (!right && group.rows.length <= 20) ? "open" : right ? "closed" : "some";
        group.button.addEventListener("click", () => { open(group, group.state !== "open"); show(); });
    }
    filter.addEventListener("input", show);
    filter.addEventListener("keydown", event => { if (event.key === "Escape") { filter.value = ""; show(); } });
    onlyWrong.addEventListener("change", show);
    onlyWrong.disabled = !anyWrong;
    document.getElementById("open-all").addEventListener("click", () => { groups.forEach(group => open(group, true)); show(); });
    document.getElementById("close-all").addEventListener("click", () => { groups.forEach(group => open(group, false)); show(); });
    show();
}

// A link into something closed opens it.
function reveal() {
    const target = location.hash.length > 1 ? document.getElementById(location.hash.slice(1)) : null;
    if (!target) { return; }
    const details = target.closest("details");
    if (details) { details.open = true; }
    const group = groups.find(each => each.body === target.parentElement);
    if (group) { open(group, true); show(); }
    target.scrollIntoView();
}
addEventListener("hashchange", reveal);
// A second click on the same link changes no hash.
document.addEventListener("click", event => {
    const link = event.target.closest("a[href^='#']");
    if (link && link.getAttribute("href") === location.hash) { reveal(); }
});
reveal();

// Pictures of errors: the pointer and the arrow keys read cells.
function range(part, parts, size) {
    const first = Math.ceil(part * size / parts);
    const last = Math.ceil((part + 1) * size / parts) - 1;
    return last > first ? first + "\u2013" + last : String(first);
}
for (const picture of document.querySelectorAll(".cells-picture")) {
    const data = picture.dataset;
    const cells = data.cells.split(" ");
    const width = Number(data.width);
    const height = Number(data.height);
    const cross = picture.querySelector(".cross");
    const readout = picture.closest("figure").querySelector(".readout");
    let x = 0;
    let y = 0;
    const read = () => {
        cross.hidden = false;
        cross.style.left = 100 * x / width + "%";
        cross.style.top = 100 * y / height + "%";
        cross.style.width = 100 / width + "%";
        cross.style.height = 100 / height + "%";
        readout.textContent = data.rows + " " + range(y, height, Number(data.rowSize)) + ", "
            + data.columns + " " + range(x, width, Number(data.columnSize)) + ": " + cells[y * width + x] + "\u00d7 noise";
    };
    picture.addEventListener("pointermove", event => {
        const box = picture.getBoundingClientRect();
        x = Math.max(0, Math.min(width - 1, Math.floor((event.clientX - box.left) / box.width * width)));
        y = Math.max(0, Math.min(height - 1, Math.floor((event.clientY - box.top) / box.height * height)));
        read();
    });
    picture.addEventListener("keydown", event => {
        const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
        if (!step) { return; }
        event.preventDefault();
        x = Math.max(0, Math.min(width - 1, x + step[0]));
        y = Math.max(0, Math.min(height - 1, y + step[1]));
        read();
    });
}
