// The page: bar, banner where something is wrong, summary, panels. Where each panel stands is panels.css's.
import { signal, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { clock } from '../shared/format.ts';
import { AlertsPanel, AlertVoice } from './alerts.tsx';
import { Confirm, Notices } from './confirm.tsx';
import { DepthPanel } from './depth.tsx';
import { ExchangePanel } from './exchange.tsx';
import type { FrameCount } from './frame.ts';
import { Header } from './header.tsx';
import { Help } from './keys.tsx';
import { LadderPanel } from './ladder.tsx';
import { HistogramPanel, PercentilesPanel } from './latency.tsx';
import { LimitsForm } from './limits_form.tsx';
import { MachinePanel } from './machine.tsx';
import { connection } from './picker.tsx';
import { PositionsPanel } from './positions.tsx';
import { PricePanel } from './price.tsx';
import { ProfitPanel } from './profit.tsx';
import { StagesPanel } from './stages.tsx';
import { state } from './state.ts';
import { TapePanel } from './tape.tsx';
import { ThroughputPanel } from './throughput.tsx';
import { Tiles } from './tiles.tsx';

/** Frames a second, where they are counted. */
export const frames = signal<FrameCount | null>(null);

function Retry() {
  const nowMs = useSignal(Date.now());
  useEffect(() => {
    const timer = setInterval(() => (nowMs.value = Date.now()), 250);
    return () => clearInterval(timer);
  }, []);
  const { retryAtMs, state: link } = state.link.value;
  const seconds = Math.max(0, Math.ceil((retryAtMs - nowMs.value) / 1000));
  return (
    <>
      {link === 'lost' ? `Next attempt in ${seconds} s.` : 'Connecting …'}
      <button type="button" onClick={() => connection.value?.retryNow()} disabled={link !== 'lost'}>Now</button>
    </>
  );
}

function Banner() {
  const condition = state.condition.value;
  const seen = state.status.value?.system.atMs;
  const since = seen === undefined ? '' : ` What is shown is of ${clock(seen)}.`;
  if (condition === 'refused') return <div class="banner bad" role="alert">{state.refused.value} <button type="button" onClick={() => location.reload()}>Reload</button></div>;
  if (condition === 'disconnected') return <div class="banner bad" role="alert">The server is not reached.{since} <Retry /></div>;
  if (condition === 'stale') return <div class="banner warn" role="alert">The server has gone silent.{since}</div>;
  const feed = state.status.value?.feed;
  if (feed !== undefined && feed !== null && !feed.fresh) return <div class="banner warn" role="status">The market data are being repaired ({feed.state}): the book may be old.</div>;
  return null;
}

function Frames() {
  const counted = frames.value;
  return counted === null ? null : <output class="frames">{counted.perSecond.toFixed(0)} fps, longest {counted.longestMs.toFixed(0)} ms</output>;
}

export function Page() {
  return (
    <div class="page" data-condition={state.condition.value}>
      <Header />
      <Banner />
      <main>
        <Tiles />
        <div class="grid">
          <LadderPanel />
          <PricePanel />
          <TapePanel />
          <DepthPanel />
          <PositionsPanel />
          <AlertsPanel />
          <HistogramPanel />
          <PercentilesPanel />
          <StagesPanel />
          <ThroughputPanel />
          <ProfitPanel />
          <ExchangePanel />
          <MachinePanel />
        </div>
      </main>
      <AlertVoice />
      <Notices />
      <LimitsForm />
      <Confirm />
      <Help />
      <Frames />
    </div>
  );
}
