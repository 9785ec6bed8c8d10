// Alerts of the last hour: those that hold first. A new one is said to who does not see it.
import type { Alert } from '../../src/observe/alerts/alert.ts';
import { clock, count, span } from '../shared/format.ts';
import { instantLink } from './look_back.ts';
import { Panel } from './panel.tsx';
import { state } from './state.ts';

/** "LargeLoss" → "Large loss". */
export function wordsOf(kind: string): string {
  return kind.replace(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function Row({ alert, nowMs }: { readonly alert: Alert; readonly nowMs: number }) {
  const { clearedMs, raisedMs } = alert;
  const holds = clearedMs === null;
  const link = instantLink(raisedMs);
  const mark = !holds ? '✓' : alert.severity === 'critical' ? '■' : '▲';
  return (
    <li class={`alert ${holds ? alert.severity : 'over'}`} data-kind={alert.kind}>
      <span class="alert-mark" aria-hidden="true">{mark}</span>
      <div>
        <p>
          <b>{wordsOf(alert.kind)}</b>
          {alert.subject !== '' && !alert.message.startsWith(alert.subject) && <span class="muted"> {alert.subject}</span>}
          <span class="sr-only">, {holds ? alert.severity : 'over'}</span>
        </p>
        <p class="alert-text">{alert.message}</p>
      </div>
      <div class="alert-when">
        <time>{holds ? `for ${span(nowMs - raisedMs)}` : `${clock(raisedMs)}, ${span(clearedMs - raisedMs)}`}</time>
        {link !== '' && <a href={link} title="The exchange at that instant, in its journal">look back</a>}
      </div>
    </li>
  );
}

export function AlertsPanel() {
  const alerts = state.alerts.value;
  const current = state.alertsCurrent.value;
  const nowMs = state.status.value?.system.atMs ?? 0;
  const note = alerts.length === 0 ? 'last hour' : `${count(current.length)} now, ${count(alerts.length)} in the last hour`;
  return (
    <Panel area="alerts-panel" title="Alerts" note={note} empty={alerts.length === 0 ? '✓ No alert in the last hour.' : undefined}>
      <ul class="alerts" tabIndex={0} aria-label="Alerts of the last hour, can be scrolled">{alerts.map((alert) => <Row key={alert.id} alert={alert} nowMs={nowMs} />)}</ul>
    </Panel>
  );
}

/** Spoken, not shown. */
export function AlertVoice() {
  const newest = state.alertsCurrent.value[0];
  return <div class="sr-only" role="status" aria-live="polite">{newest === undefined ? '' : `Alert: ${wordsOf(newest.kind)}. ${newest.message}`}</div>;
}
