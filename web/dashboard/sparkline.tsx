// A line without axes: where a number comes from. Two minutes of it, drawn as one path.

const WIDTH = 120;
const HEIGHT = 26;
/** Above and below, so that the line is not cut. */
const ROOM = 2;

/** Values to a path; gaps where a value is not known. */
function pathOf(values: readonly (number | null)[]): string {
  const known = values.filter((value) => value !== null);
  if (known.length < 2) return '';
  const low = Math.min(...known);
  const high = Math.max(...known);
  const span = high - low;
  let path = '';
  let pen = 'M';
  for (const [index, value] of values.entries()) {
    if (value === null) {
      pen = 'M';
      continue;
    }
    const x = (index / (values.length - 1)) * WIDTH;
    // What does not move is a line in the middle.
    const y = span === 0 ? HEIGHT / 2 : ROOM + (1 - (value - low) / span) * (HEIGHT - 2 * ROOM);
    path += `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = 'L';
  }
  return path;
}

export function Sparkline({ values }: { readonly values: readonly (number | null)[] }) {
  const shown = values.slice(-WIDTH);
  const flat = shown.every((value) => value === shown[0]);
  return (
    <svg class={flat ? 'sparkline flat' : 'sparkline'} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      <path d={pathOf(shown)} vector-effect="non-scaling-stroke" />
    </svg>
  );
}
