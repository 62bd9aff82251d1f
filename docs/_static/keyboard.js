// The theme's two sidebars get names, by which they are told apart. Code and tables that scroll sideways can be scrolled
// by keyboard (WCAG 2.1.1).
document.addEventListener("DOMContentLoaded", () => {
  document.querySelector(".sidebar-drawer")?.setAttribute("aria-label", "Site");
  document.querySelector(".toc-drawer")?.setAttribute("aria-label", "Page");
  const scrolls = () => {
    for (const box of document.querySelectorAll(".highlight pre, .table-wrapper, .sig")) {
      if (box.scrollWidth > box.clientWidth) {
        box.tabIndex = 0;
        if (!box.hasAttribute("aria-label")) {
          box.setAttribute("role", "group");
          box.setAttribute("aria-label", box.matches("pre") ? "Code" : "Table");
        }
      } else {
        box.removeAttribute("tabindex");
      }
    }
  };
  scrolls();
  new ResizeObserver(scrolls).observe(document.body);
});
