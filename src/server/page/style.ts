/**
 * The style sheet of the status page. The HTML contains the style sheet, and the Content Security
 * Policy contains its hash.
 */

/**
 * The colours of the light and the dark scheme. Texts have a contrast of at least 4.5 to their
 * background (WCAG 2.2, 1.4.3).
 */
const COLORS: Readonly<Record<string, readonly [light: string, dark: string]>> = {
  page: ["#f6f6f4", "#131518"],
  card: ["#ffffff", "#1b1e22"],
  line: ["#e4e4e0", "#2c3036"],
  ink: ["#1d2024", "#e8eaed"],
  soft: ["#5b626c", "#9ca4af"],
  code: ["#f1f1ee", "#25292f"],
  good: ["#17714a", "#68c795"],
  "good-fill": ["#e5f3ec", "#18301f"],
  wait: ["#845206", "#e6b566"],
  "wait-fill": ["#fcf1dc", "#33280f"],
  bad: ["#b02a22", "#f2938b"],
  "bad-fill": ["#fcebe9", "#3a1d1b"],
  bar: ["#2f8f83", "#4aa99c"],
  fail: ["#cf5046", "#e0766d"],
  past: ["#e9e9e4", "#292e35"],
};

function colors(scheme: 0 | 1): string {
  return Object.entries(COLORS).map(([name, values]) => `--${name}:${values[scheme]}`).join(";");
}

/** The style sheet. */
export const STYLE: string = `
:root{color-scheme:light dark;${colors(0)}}
@media (prefers-color-scheme:dark){:root{${colors(1)}}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
"Noto Sans",sans-serif;font-variant-numeric:tabular-nums;overflow-wrap:anywhere;-webkit-text-size-adjust:100%}
.page{max-width:54rem;margin:0 auto;padding:1.5rem 1.25rem 3rem}
h1,h2,h3,h4,p,dl,dd,ol,ul,figure{margin:0;padding:0}
h1{font-size:1.5rem;line-height:1.25;font-weight:650;letter-spacing:-.01em;text-wrap:balance}
h2{font-size:1.0625rem;font-weight:650}
h3{font-size:1rem;font-weight:600}
h4{font-size:.9375rem;font-weight:500}
ol,ul{list-style:none}
a{color:inherit;text-decoration-color:var(--soft);text-underline-offset:.2em}
a:hover{text-decoration-color:currentColor}
:focus-visible{outline:2px solid var(--bar);outline-offset:3px;border-radius:2px}
code{font:.875em/1.5 ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}
.command{display:inline-block;max-width:100%;padding:.125rem .5rem;border-radius:.375rem;background:var(--code);
user-select:all}
.soft{color:var(--soft);font-size:.875rem}
header{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;justify-content:space-between;align-items:baseline}
header nav{display:flex;flex-wrap:wrap;gap:.25rem 1rem}
.brand{font-weight:600;font-size:.9375rem}
.brand .soft{font-weight:400}
time{white-space:nowrap}
.summary{display:flex;gap:.875rem;align-items:flex-start;margin:1.75rem 0 1.5rem}
.summary svg{flex:none;width:1.875rem;height:1.875rem;margin-top:.03rem}
.sign{fill:none;stroke-width:2;stroke-linecap:round;stroke-linejoin:round;stroke:currentColor}
.summary p{margin-top:.25rem;color:var(--soft)}
.good{color:var(--good)}.wait{color:var(--wait)}.bad{color:var(--bad)}
.figures{display:grid;grid-template-columns:repeat(4,1fr);gap:.75rem}
.figures div,.card{background:var(--card);border:1px solid var(--line);border-radius:.75rem}
.figures div{display:flex;flex-direction:column-reverse;justify-content:flex-end;padding:.75rem 1rem}
.figures dt{color:var(--soft);font-size:.875rem;line-height:1.35}
.figures dd{font-size:1.625rem;line-height:1.25;font-weight:600;letter-spacing:-.01em}
.zero{color:var(--soft);font-weight:400}
.card{margin-top:.75rem;padding:1.125rem 1.25rem}
.head{display:flex;flex-wrap:wrap;gap:.25rem 1rem;justify-content:space-between;align-items:baseline}
.legend{display:flex;flex-wrap:wrap;gap:.25rem 1rem}
.legend svg{width:.625rem;height:.625rem;margin-right:.4rem}
.chart{display:block;width:100%;height:7.5rem;margin:1rem 0 .375rem}
.bar{fill:var(--bar)}.fail{fill:var(--fail)}.past{fill:var(--past)}.base{fill:var(--line)}.hit{fill:transparent}
.hour:hover .hit{fill:var(--line);opacity:.45}
.axis{display:flex;justify-content:space-between}
figcaption{margin-top:.5rem}
details{margin-top:.5rem;font-size:.875rem}
summary{cursor:pointer;color:var(--soft);width:fit-content}
table{width:100%;max-width:30rem;margin-top:.5rem;border-collapse:collapse}
th,td{padding:.25rem 0 .25rem 1rem;text-align:right;font-weight:400;border-top:1px solid var(--line)}
th:first-child{padding-left:0;text-align:left}
thead th{border:0;color:var(--soft)}
.rows>li{padding:.875rem 0;border-top:1px solid var(--line)}
.rows>li:last-child{padding-bottom:0}
.rows{margin-top:.75rem}
.rows+.note{margin-top:1rem;padding-top:.875rem;border-top:1px solid var(--line)}
.name{display:flex;flex-wrap:wrap;gap:.125rem .625rem;align-items:center}
.badge{padding:.0625rem .5rem;border-radius:1rem;font-size:.8125rem;font-weight:500;background:var(--code);
color:var(--soft)}
.badge.wait{background:var(--wait-fill);color:var(--wait)}
.badge.bad{background:var(--bad-fill);color:var(--bad)}
.badge.good{background:var(--good-fill);color:var(--good)}
.why{margin-top:.25rem;font-size:.9375rem}
.why code{white-space:nowrap}
.lane{margin-top:.875rem;padding-left:.875rem;border-left:2px solid var(--line)}
.entries{margin-top:.375rem}
.entries li{padding:.1875rem 0}
.line{display:flex;gap:0 1rem;justify-content:space-between;align-items:baseline}
.line .soft{flex:none}
.subject{font-size:.9375rem}
.note{margin-top:.375rem;color:var(--soft);font-size:.875rem}
.commands{display:flex;flex-wrap:wrap;gap:.375rem .5rem;margin-top:.5rem}
.facts{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1.25rem;margin-top:.75rem;font-size:.875rem}
.facts dt{color:var(--soft)}
footer{margin-top:1.5rem}
@media (max-width:36rem){
.page{padding:1rem .875rem 2rem}
.summary{margin:1.25rem 0 1.125rem}
h1{font-size:1.3125rem}
.figures{grid-template-columns:repeat(2,1fr);gap:.5rem}
.card{padding:1rem .875rem;margin-top:.5rem}
.command{font-size:.8125rem}
.line{display:block}
.line .soft{display:block}
.facts{grid-template-columns:1fr;gap:0}
.facts dd{margin-bottom:.5rem}
}
@media print{:root{${colors(0)}}.page{max-width:none;padding:0}header nav{display:none}}
`;
