// `outcry key`: makes and lists the keys that log-ins beyond loopback are signed with (credentials.ts).
//
//   outcry key new FILE --user ALPHA --client 7     appends a key; says its id and what to do with it
//   outcry key list FILE                            ids, users, clients; never a secret
//
// The exchange is started with `--credentials FILE`; a trader gets a file with its line alone. Exit
// codes: 0 done, 1 the file cannot be used, 2 the command line is wrong.
import { Command } from 'commander';
import { addCredential, type Credential, readCredentials } from './credentials.ts';

export function keyCommand(): Command {
  const command = new Command('key').description(
    'Makes and lists keys of signed log-ins. Beyond loopback nobody trades without one.',
  );
  command
    .command('new')
    .argument('<file>', 'credentials; made with mode 0600 when it is not there')
    .description('Makes a key for a user and writes it behind those of the file.')
    .requiredOption('-u, --user <name>', 'account of the log-in, 1 to 6 characters')
    .requiredOption('-c, --client <id>', 'client id of its orders')
    .option('--id <name>', 'of the key, 1 to 8 characters; default: the user and a number')
    .option('--json', 'the last line of stdout is the result as one JSON object')
    .action((file: string, flags: NewFlags) => {
      const client = /^\d{1,10}$/.test(flags.client) ? Number(flags.client) : NaN;
      if (Number.isNaN(client)) command.error(`error: --client: expected a whole number, was ${flags.client}`);
      const made = addCredential(file, flags.user, client, flags.id ?? null);
      tell(flags.json === true, { file, ...publicOf(made) }, newText(file, made));
    });
  command
    .command('list')
    .argument('<file>', 'credentials')
    .description('Ids, users and clients of the keys in a file.')
    .option('--json', 'the last line of stdout is the result as one JSON object')
    .action((file: string, flags: { json?: boolean }) => {
      const keys = readCredentials(file).map(publicOf);
      const rows = keys.map(({ keyId, user, client }) => `${keyId.padEnd(9)}${user.padEnd(7)}${client}\n`);
      tell(flags.json === true, { file, keys }, `key      user   client\n${rows.join('')}`);
    });
  command.addHelpText(
    'after',
    `
Examples:
  outcry key new keys --user ALPHA --client 7     a key of ALPHA; the file is made when it is not there
  outcry exchange -i 0.0.0.0 --credentials keys   who has a key of the file may log in
  outcry trade -H 10.0.0.1 -i 10.0.0.2 -c 7 --credentials alpha.key`,
  );
  return command;
}

interface NewFlags {
  readonly user: string;
  readonly client: string;
  readonly id?: string;
  readonly json?: boolean;
}

/** Without the secret. */
function publicOf({ keyId, user, client }: Credential): { keyId: string; user: string; client: number } {
  return { keyId, user, client };
}

function newText(file: string, { keyId, user, client }: Credential): string {
  return (
    `key ${keyId} of user ${user}, client ${client}, is in ${file}\n` +
    `  exchange   outcry exchange --credentials ${file}\n` +
    `  trader     give it the line of ${keyId} in a file of its own, mode 0600, by a way nobody reads along:\n` +
    `             outcry trade --client-id ${client} --credentials THAT_FILE\n`
  );
}

function tell(json: boolean, result: object, text: string): void {
  process.stdout.write(json ? `${JSON.stringify({ ok: true, ...result })}\n` : text);
}
