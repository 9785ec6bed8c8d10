// The demo's dashboard: a process of its own that shows what the exchange and the traders of the demo do, as `outcry
// dashboard` does, on the first free port from the one that it is told by its only argument. Its page may command: the token is
// made here, and stands in the link that the parent (demo_process.ts) is told.
import { availableParallelism } from 'node:os';
import { readConfig, VERB_SECTIONS } from './config_sections.ts';
import { Dashboard, linkOf } from './dashboard_site.ts';
import { demoAlerts } from './demo_alerts.ts';
import { newToken } from './operator_file.ts';
import type { DashboardAnswer, DemoDashboardOptions } from './demo_process.ts';

function say(answer: DashboardAnswer): void {
  if (process.connected) process.send?.(answer);
}

async function main({ port, exchangePort }: DemoDashboardOptions): Promise<void> {
  // A terminal's Ctrl-C comes here too; the parent says when it is time.
  process.on('SIGINT', () => {}).on('SIGTERM', () => {}).on('SIGHUP', () => {});
  const ended = new Promise<void>((resolve) => {
    process.on('message', () => resolve()); // there is one thing to ask: stop
    process.on('disconnect', resolve);
  });
  const config = readConfig({ file: null, environment: process.env, flag: () => undefined, uses: VERB_SECTIONS.dashboard });
  const token = newToken();
  const dashboard = await Dashboard.open({
    config: { ...config, dashboard: { ...config.dashboard, port }, alerts: demoAlerts(config, availableParallelism()) }, exchangePort, token, nextPort: true,
    // On a terminal the demo draws its view.
    note: (line) => process.stderr.isTTY || process.stderr.write(`${line}\n`),
  });
  if (process.connected) { // else the parent ended while this one was starting
    say({ say: 'serving', url: dashboard.url, link: linkOf(dashboard.url, token) });
    await ended;
  }
  await dashboard.close();
  if (process.connected) process.disconnect?.();
}

const options: DemoDashboardOptions = JSON.parse(process.argv[2]);
main(options).catch((error: NodeJS.ErrnoException) => {
  say({ say: 'failed', message: error.message, code: error.code ?? '' });
  process.exitCode = 1;
  if (process.connected) process.disconnect?.();
});
