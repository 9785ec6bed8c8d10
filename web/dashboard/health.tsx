// The health score as a ring; on demand the parts that it is the least of.
import { state } from './state.ts';
import { Menu } from './menu.tsx';

const RADIUS = 9;
const AROUND = 2 * Math.PI * RADIUS;

function toneOf(score: number): string {
  return score >= 80 ? 'good' : score >= 50 ? 'warn' : 'bad';
}

function Ring({ score }: { readonly score: number }) {
  return (
    <svg class={`ring ${toneOf(score)}`} viewBox="0 0 24 24" width="22" height="22" aria-hidden="true">
      <circle cx="12" cy="12" r={RADIUS} class="ring-ground" />
      {score > 0 && (
        <circle cx="12" cy="12" r={RADIUS} class="ring-score" stroke-dasharray={`${((score / 100) * AROUND).toFixed(2)} ${AROUND.toFixed(2)}`} transform="rotate(-90 12 12)" />
      )}
    </svg>
  );
}

export function Health() {
  const health = state.status.value?.health;
  if (health === undefined) return null;
  const score = Math.round(health.score);
  return (
    <Menu name="health" label={`Health ${score} of 100: show its parts`} face={<><Ring score={score} /><b>{score}</b><span class="wide-only">Health</span></>}>
      <h2>Health {score} of 100</h2>
      <p class="muted">A hundred times the least of its parts.</p>
      <ul class="health-parts">
        {health.parts.map((part) => (
          <li key={part.name} class={toneOf(part.score * 100)}>
            <span>{part.name}</span>
            <div class="meter-track"><i style={{ width: `${(part.score * 100).toFixed(0)}%` }} /></div>
            <b>{Math.round(part.score * 100)}</b>
            <small>{part.because}</small>
          </li>
        ))}
      </ul>
    </Menu>
  );
}
