// `outcry journal view`: a journal, or a recorded day, in a browser: the page of /time-travel with these paths in its list.
//
//   paths ─► places ─► the dashboard's server, which watches nothing ─► http://127.0.0.1:PORT/time-travel#source=…
//
// On loopback only, and read only. Who may log in on this machine may look, as they may at files without protection; where
// that is too many, `outcry dashboard --journal` asks for a token.
import { statSync } from 'node:fs';
import { styleText } from 'node:util';
import { Command, InvalidArgumentError } from 'commander';
import { History } from '../observe/dashboard/history.ts';
import { PROTOCOL_VERSION } from '../observe/dashboard/messages.ts';
import { DashboardServer, type DashboardSource } from '../observe/dashboard/server.ts';
import type { TimeTravelPlace } from '../observe/dashboard/time_travel_routes.ts';
import { Interrupts } from './interrupts.ts';
import { journalIn } from './journal_directory.ts';
import { webFolder } from './web_folder.ts';

const EXIT_FAILED = 1;
const PORT_MAX = 65_535;

export function viewCommand(): Command {
  return new Command('view')
    .description('a journal, or a LOBSTER recording, in a browser: any instant of it, by the same core')
    .argument('<paths...>', "a journal's directory, or the files of a recording")
    .option('--port <n>', 'TCP port on 127.0.0.1, 0 = a free one', portOption, 0)
    .action(async (paths: string[], { port }: { port: number }) => {
      const places = timeTravelPlaces(paths);
      for (const place of places) if (place.kind === 'journal') journalIn(place.directory);
      await view(places, port);
    });
}

/** Each directory is a journal; the files together are one recording. Throws for what is not there. */
export function timeTravelPlaces(paths: readonly string[]): TimeTravelPlace[] {
  const directories = paths.filter((path) => isDirectory(path));
  const files = paths.filter((path) => !directories.includes(path));
  return [
    ...directories.map((directory): TimeTravelPlace => ({ kind: 'journal', directory })),
    ...(files.length === 0 ? [] : [{ kind: 'recording', files } satisfies TimeTravelPlace]),
  ];
}

function isDirectory(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw new Error(`expected a journal's directory or a recording, was nothing at ${path}`);
  return stat.isDirectory();
}

async function view(places: readonly TimeTravelPlace[], port: number): Promise<void> {
  const server = await DashboardServer.open({
    host: '127.0.0.1', port, hosts: [], token: '', pages: await webFolder(), source: NOTHING_WATCHED, timeTravel: places,
    commands: async () => ({ ok: false, text: 'nothing is watched' }),
    note: (line) => process.stderr.write(`${line}\n`),
  });
  const interrupts: { current?: Interrupts } = {};
  const ended = new Promise<void>((resolve) => {
    interrupts.current = new Interrupts(['SIGINT', 'SIGTERM', 'SIGHUP'], resolve, () => process.exit(EXIT_FAILED));
  });
  process.stdout.write(`${styleText('bold', `${server.url}time-travel#source=${places[0].kind}-1`)}\n`);
  await ended;
  await server.close();
  interrupts.current?.dispose();
}

const NOTHING_WATCHED: DashboardSource = {
  epoch: 0,
  hello: { type: 'hello', version: PROTOCOL_VERSION, commands: false, timeTravel: true, instruments: [] },
  status: null,
  statusNumber: 0,
  statusText: '',
  history: new History(),
  histogram: [],
  alerts: [],
  instruments: [],
  watches: false,
  journal: null,
  metrics: () => ({ type: 'text/plain; version=0.0.4', text: '' }),
  marketNumber: () => 0,
  lastTradeId: () => 0,
  market: () => null,
};

function portOption(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : PORT_MAX + 1;
  if (port <= PORT_MAX) return port;
  throw new InvalidArgumentError(`expected 0 … ${PORT_MAX}, was "${text}"`);
}
