// The dashboard: 1 theme and token, 2 the connection into the state, 3 the page, 4 keys.
import { effect } from '@preact/signals';
import { render } from 'preact';
import '../shared/base.css';
import '../shared/frame.css';
import './bar.css';
import './panels.css';
import './market.css';
import './tables.css';
import './widths.css';
import { startTheme } from '../shared/theme.ts';
import { readToken } from './commands.ts';
import { Connection } from './connection.ts';
import { countFrames, request } from './frame.ts';
import { listenToKeys } from './keys.tsx';
import { frames, Page } from './page.tsx';
import { connection, watchChosen } from './picker.tsx';
import { state } from './state.ts';

startTheme();
readToken();

const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
connection.value = new Connection({
  open: () => new WebSocket(`${scheme}://${location.host}/ws`),
  now: Date.now,
  random: Math.random,
  after: (ms, call) => {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  },
  onLink: (link) => (state.link.value = link),
  onMessage: (message) => {
    state.apply(message);
    if (message.type === 'hello') watchChosen();
    request();
  },
});
connection.value.start();
// Back from another tab, or awake again: nobody waits for the pause.
document.addEventListener('visibilitychange', () => !document.hidden && connection.value?.retryNow());
addEventListener('online', () => connection.value?.retryNow());

render(<Page />, document.querySelector('#page')!);
listenToKeys();

effect(() => {
  const symbol = state.instrument.value?.symbol;
  const alerts = state.alertsCurrent.value.length;
  document.title = `${alerts > 0 ? `(${alerts}) ` : ''}${symbol === undefined ? '' : `${symbol} · `}Outcry`;
});

if (new URLSearchParams(location.search).has('fps')) countFrames((count) => (frames.value = { ...count }));
