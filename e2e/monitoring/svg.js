// Lines over time in; a small plain SVG out, readable on light and on dark pages.

/** @typedef {{ name: string, points: readonly (readonly [x: number, y: number])[] }} Curve */

/**
 * @typedef {object} Plot
 * @property {string} title
 * @property {string} unit of the upright axis
 * @property {readonly Curve[]} curves
 * @property {number} [line] a value that alerts compare with
 * @property {readonly { name: string, from: number, to: number }[]} [bars] times, instead of curves
 * @property {number} from
 * @property {number} to
 */

const width = 720;
const left = 56;
const right = 16;
const top = 28;
const height = 170;
const rowHeight = 13;
const colors = ['#3b78c2', '#c2553b', '#3f9a5a', '#8a5bb5', '#b08a1e', '#2f9c9c', '#c24b8b', '#6f7b86'];

/** Beyond the colors lines are broken. @param {number} at */
const stroke = (at) => `stroke="${colors[at % colors.length]}"${at < colors.length ? '' : ' stroke-dasharray="3 2"'}`;

const asText = (/** @type {string} */ text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const round = (/** @type {number} */ value) => Number(value.toFixed(1));
/** @param {number} x @param {number} y @param {string} words @param {string} [more] */
const text = (x, y, words, more = '') => `<text x="${round(x)}" y="${round(y)}"${more}>${asText(words)}</text>`;

/**
 * @param {Plot} plot
 * @returns {string}
 */
export function drawSvg(plot) {
  const { title, from, to, bars } = plot;
  const x = (/** @type {number} */ at) => left + ((at - from) / (to - from)) * (width - left - right);
  const body = bars === undefined ? curvesOf(plot, x) : barsOf(bars, x);
  const bottom = top + body.height;
  const minutes = Array.from({ length: Math.floor((to - from) / 60) + 1 }, (_, minute) => minute);
  const axis = minutes.map((minute) => text(x(from + minute * 60), bottom + 14, `${minute} min`, ' text-anchor="middle"'));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${bottom + 22 + body.legend.height}" font-family="sans-serif" font-size="11" fill="#7a828a">
<title>${asText(title)}</title>
${text(left, 16, title, ' font-size="13" font-weight="bold"')}
${body.lines.join('\n')}
<path d="M${left} ${bottom}H${width - right}" stroke="#9aa2aa" fill="none"/>
${axis.join('\n')}
${body.legend.lines.map((line) => line(bottom + 32)).join('\n')}
</svg>
`;
}

/** @param {Plot} plot @param {(at: number) => number} x */
function curvesOf({ curves, unit, line }, x) {
  const most = Math.max(...curves.flatMap(({ points }) => points.map(([, y]) => y)), line ?? 0);
  const step = 10 ** Math.floor(Math.log10(most || 1));
  const size = [step / 5, step / 2, step, 2 * step].find((each) => most / each <= 5) ?? step;
  const upper = Math.max(size, Math.ceil(most / size) * size);
  const y = (/** @type {number} */ value) => top + height - (value / upper) * height;
  const ticks = Array.from({ length: Math.round(upper / size) + 1 }, (_, at) => at * size);
  const lines = [
    ...ticks.flatMap((tick) => [
      `<path d="M${left} ${round(y(tick))}H${width - right}" stroke="#9aa2aa" stroke-opacity=".25" fill="none"/>`,
      text(left - 6, y(tick) + 4, `${Number(tick.toPrecision(3))}${unit}`, ' text-anchor="end"'),
    ]),
    ...(line === undefined
      ? []
      : [`<path d="M${left} ${round(y(line))}H${width - right}" stroke="#c23b3b" stroke-dasharray="4 3" fill="none"/>`]),
    ...curves.map(({ points }, at) => {
      const path = points.map(
        ([px, py], index) => `${index === 0 || px - (points[index - 1]?.[0] ?? px) > 10 ? 'M' : 'L'}${round(x(px))} ${round(y(py))}`,
      );
      return `<path d="${path.join('')}" ${stroke(at)} stroke-width="1.3" fill="none"/>`;
    }),
  ];
  const perLine = 3;
  const column = (width - left - right) / perLine;
  const legend = curves.map(({ name }, at) => (/** @type {number} */ from) => {
    const [lx, ly] = [left + (at % perLine) * column, from + Math.floor(at / perLine) * 15];
    return `<path d="M${round(lx)} ${ly - 4}h14" ${stroke(at)} stroke-width="2"/>${text(lx + 19, ly, name)}`;
  });
  return { lines, height, legend: { lines: legend, height: Math.ceil(curves.length / perLine) * 15 } };
}

/** @param {NonNullable<Plot['bars']>} bars @param {(at: number) => number} x */
function barsOf(bars, x) {
  const names = [...new Set(bars.map(({ name }) => name))];
  const lines = bars.map(({ name, from, to }) => {
    const y = top + names.indexOf(name) * rowHeight;
    return `<path d="M${round(x(from))} ${y + 6}H${round(Math.max(x(to), x(from) + 2))}" stroke="#c2553b" stroke-width="7"/>`;
  });
  const labels = names.map((name) => {
    const first = bars.find((bar) => bar.name === name);
    const at = x(first?.from ?? 0);
    const y = top + names.indexOf(name) * rowHeight + 10;
    return at > width / 2
      ? text(at - 5, y, name, ' text-anchor="end"')
      : text(x(Math.max(...bars.filter((bar) => bar.name === name).map(({ to }) => to))) + 5, y, name);
  });
  return { lines: [...lines, ...labels], height: names.length * rowHeight + 6, legend: { lines: [], height: 0 } };
}
