// One of the demo's traders: a process of its own that trades as it is told by its only argument, as
// `outcry trade` does, and tells its parent (demo_process.ts) how it stands.
import { chooseNetwork } from '../net/choose_network.ts';
import { profileDeclarations } from '../observe/profile/declarations.ts';
import { PipelineProfile } from '../observe/profile/pipeline_profile.ts';
import { TRADER_PIPELINE } from '../observe/profile/stages.ts';
import { ROUND_TRIP, traderDeclarations } from '../observe/system_stats.ts';
import { createStrategy, strategyNamed } from '../trader/strategies/strategies.ts';
import { RunnerState } from '../trader/strategy_runner.ts';
import { applyToMemoryOfChild } from './config_machine.ts';
import { Pauses } from './demo_pauses.ts';
import { ProcessFile } from './process_file.ts';
import { endStartUp } from './start_up.ts';
import { TradeFigures } from './trade_figures.ts';
import { TradeSession } from './trade_session.ts';
import { traderInstruments } from './trade_strategy.ts';
import { TraderControl } from './trader_control.ts';
import type { DemoTraderOptions, TraderAnswer, TraderQuestion } from './demo_process.ts';

/** As often as the picture is drawn. */
const STATUS_MS = 100;
const LOOK_MS = 5;
/** Cancels and their answers. */
const FINISH_MS = 5_000;

function say(answer: TraderAnswer): void {
  if (process.connected) process.send?.(answer);
}

async function main({ config, wait, performance: asked }: DemoTraderOptions): Promise<void> {
  // A terminal's Ctrl-C comes here too; the parent says when it is time.
  process.on('SIGINT', () => {}).on('SIGTERM', () => {}).on('SIGHUP', () => {});
  const { name, parameters } = config.strategy;
  const definition = strategyNamed(name);
  if (definition === undefined) throw new Error(`strategy: expected a built-in one, was ${name}`);
  const instruments = traderInstruments(config.instruments);
  const strategy = createStrategy(definition, instruments, parameters);
  const { network } = chooseNetwork();
  // Where nobody can watch it the dashboard says so.
  const watched = ProcessFile.open(
    'trade', `trade ${name}, client ${config.clientId} (demo)`,
    [...traderDeclarations(instruments.count, true), ...profileDeclarations(TRADER_PIPELINE)], () => {},
  );
  const session = await TradeSession.open({
    config, instruments, strategy, network, wait, journal: null,
    ...(watched !== null && {
      profile: new PipelineProfile(TRADER_PIPELINE, watched.stats), roundTrips: watched.stats.histogram(ROUND_TRIP),
    }),
  });
  applyToMemoryOfChild(asked, session.trader.view.memory);
  if (watched !== null) {
    watched.loop = session.loop;
    const figures = new TradeFigures(watched.stats, session.trader, config.port);
    watched.figures = () => figures.publish();
  }
  const pauses = new Pauses(session);
  const control = await TraderControl.open({
    session, client: config.clientId, orderPort: config.port, note: () => {},
    owner: {
      pause: () => pauses.byOperator(true), resume: () => pauses.byOperator(false),
      // The demo goes on and compares its books at the end: until then it stands still.
      stop: () => session.trader.stop(),
    },
  });
  const tell = (finished: boolean): void =>
    say({ say: 'status', status: session.monitor.look(performance.now()), finished });
  const timer = setInterval(() => tell(false), STATUS_MS);
  const ended = new Promise<void>((resolve) => {
    process.on('message', (question: TraderQuestion) => obey(session, pauses, question, tell, resolve));
    process.on('disconnect', resolve);
    session.run().catch((error: Error) => {
      say({ say: 'failed', message: error.message, code: '' });
      process.exitCode = 1;
      resolve();
    });
  });
  endStartUp();
  if (process.connected) { // else the parent ended while this one was starting
    say({ say: 'running' });
    await ended;
  }
  clearInterval(timer);
  control?.close();
  await session.close();
  watched?.close();
  if (process.connected) process.disconnect?.();
}

function obey(
  session: TradeSession, pauses: Pauses, { ask }: TraderQuestion, tell: (finished: boolean) => void,
  stop: () => void,
): void {
  const { trader } = session;
  if (ask === 'stop') stop();
  else if (ask === 'pause') pauses.byDemo(true);
  else if (ask === 'resume') pauses.byDemo(false);
  else {
    trader.stop();
    const untilMs = performance.now() + FINISH_MS;
    const look = (): void => {
      const done = trader.runner.state === RunnerState.Stopped;
      if (done || performance.now() > untilMs) tell(true);
      else setTimeout(look, LOOK_MS);
    };
    look();
  }
}

const options: DemoTraderOptions = JSON.parse(process.argv[2]);
main(options).catch((error: NodeJS.ErrnoException) => {
  say({ say: 'failed', message: error.message, code: error.code ?? '' });
  process.exitCode = 1;
  if (process.connected) process.disconnect?.();
});
