// The bar at the top: where this is, whether what is shown is true, which instrument, and what may be done.
import type { FeedView } from '../../src/observe/dashboard/messages.ts';
import { compact, count } from '../shared/format.ts';
import { switchTheme, theme } from '../shared/theme.ts';
import icon from '../shared/icon.svg';
import { Control } from './control.tsx';
import { Health } from './health.tsx';
import { showHelp } from './keys.tsx';
import { Picker } from './picker.tsx';
import { state, type Condition } from './state.ts';

const CONDITION_TEXT: Readonly<Record<Condition, string>> = {
  loading: 'Connecting', live: 'Live', stale: 'Stale', disconnected: 'Disconnected', refused: 'Reload',
};
const CONDITION_TONE: Readonly<Record<Condition, string>> = {
  loading: 'warn', live: 'good', stale: 'warn', disconnected: 'bad', refused: 'bad',
};

function LinkPill() {
  const condition = state.condition.value;
  const { reconnects } = state.link.value;
  return (
    <span class={`pill ${CONDITION_TONE[condition]}`} data-condition={condition} role="status" title={`reconnected ${reconnects} times`}>
      <i class="dot" aria-hidden="true" />{CONDITION_TEXT[condition]}
    </span>
  );
}

function feedTitle(feed: FeedView): string {
  return `${feed.state}, sequence ${count(feed.sequence)}, ${count(feed.gaps)} gaps, ${count(feed.recovered)} recovered, ${count(feed.duplicates)} duplicates`;
}

function FeedPill() {
  const feed = state.status.value?.feed ?? null;
  if (state.status.value === null) return null;
  if (feed === null) return <span class="pill warn" title="The monitor hears no market data"><i class="dot" aria-hidden="true" />No feed</span>;
  return (
    <span class={`pill ${feed.fresh ? 'good' : 'warn'}`} title={feedTitle(feed)}>
      <i class="dot" aria-hidden="true" />{feed.fresh ? 'Feed' : `Feed ${feed.state}`}<span class="wide-only muted">{compact(feed.messagesPerSecond)}/s</span>
    </span>
  );
}

function TimeTravel() {
  const hello = state.hello.value;
  if (hello?.timeTravel !== true) return null;
  if (hello.journal === undefined) return <a class="tool" href="/time-travel" title="Any instant of a journal or a recording">Time travel</a>;
  return <a class="tool" href={`/time-travel#source=${encodeURIComponent(hello.journal)}`} title="Any instant of this exchange's journal">Look back</a>;
}

export function Header() {
  const other = theme.value === 'dark' ? 'light' : 'dark';
  return (
    <header class="topbar">
      <a class="brand" href="/" aria-label="Outcry"><img src={icon} alt="" width="24" height="24" /><h1>Outcry</h1></a>
      <Picker />
      <div class="pills"><LinkPill /><FeedPill /><Health /></div>
      <div class="tools">
        <TimeTravel />
        <button type="button" class="icon" onClick={switchTheme} aria-label={`Switch to ${other}`} title={`Switch to ${other} (t)`}>{theme.value === 'dark' ? '☀' : '☾'}</button>
        <button type="button" class="icon" onClick={showHelp} aria-label="Keys" title="Keys (?)">?</button>
        <Control />
      </div>
    </header>
  );
}
