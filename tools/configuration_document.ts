// docs/CONFIGURATION.md and docs/outcry.sample.toml: every key from the schema (src/apps/config*.ts), and
// how a configuration is read in words.
import { keyTables, sampleFile } from '../src/apps/config_sample.ts';

/** Both files' text by their path from the project's root. */
export function configurationFiles(): Map<string, string> {
  return new Map([
    ['docs/CONFIGURATION.md', configurationDocument()],
    ['docs/outcry.sample.toml', sampleFile()],
  ]);
}

function configurationDocument(): string {
  return `<!-- Generated from src/apps/config*.ts by \`npm run generate\`. Do not edit. -->
# Configuration

One file for everything, in TOML 1.0; a file whose name ends in \`.json\` has the same tables and keys. Every verb that has
something to configure takes \`--config FILE\`. Without a file the defaults hold.

\`\`\`sh
outcry config sample > outcry.toml             # every key with its default, commented
outcry config check outcry.toml                # every fault with its line; exit code 1 if there is one
outcry config print --config outcry.toml       # what holds, and where each value comes from; --toml, --json
outcry config print exchange --port 0          # the same for a command line
outcry exchange --config outcry.toml
\`\`\`

[outcry.sample.toml](outcry.sample.toml) is what \`sample\` prints.

## Which source wins
Flags, then variables of the environment, then the file, then the defaults. A variable is called \`HFT_<SECTION>_<KEY>\`; an
empty one says nothing. Four have a short name besides: \`HFT_LOG_LEVEL\`, \`HFT_CPU_AFFINITY\`, \`HFT_NUMA_NODE\`,
\`HFT_HUGEPAGES\`. Text from flags and variables is read as the key's form says: lists as \`1,2,3\`, cores also as \`0-3\`, switches as
\`true\`, \`false\`, \`1\`, \`0\`, strategy parameters as \`base_qty=100,min_spread=20\`. Arrays of tables stand in the file alone.

In the file a value has its type: \`port = "12345"\` is a fault. Times have a unit (\`"250ms"\`, \`"1s"\`, \`"2m"\`, \`0\`), sizes may have
one (\`"64KiB"\`, \`"8MiB"\`). Money is an exact decimal and never passes through binary floating point; it may have as many
decimals as the instruments.

## Faults
The whole file is checked, by whichever verb: \`outcry exchange\` says what is wrong in \`[trade]\` too. All faults are reported
together, with file, line and column, the key, what was expected and what came; an unknown key with the one that was probably
meant. A mistake in the syntax hides nothing else: the statement is left out and the rest still checked. When the single
values are right, what contradicts itself is looked for, in the sections that the verb uses.

\`\`\`text
outcry.toml:2:8: exchange.port: expected a whole number 0 to 65535, was 70000
outcry.toml:3:1: exchange.multicast_prot: unknown key, did you mean multicast_port?
outcry.toml:7:17: trade.max_order_qty: expected at most max_position = 50, was 100
\`\`\`

## Changing it while running
A process that was started with \`--config\` watches the file, also through links and when an editor replaces it. Keys marked
with * below may change while running. A new text is read and checked as a whole and applied at one point, between two
turns of the process. If anything in it is wrong, or a key without * has another value, nothing of it is applied: what runs
goes on, and all faults are reported, once. Flags and variables of the start still go before the file. Sections that the
process does not use may change as they like.

## The machine
What \`[performance]\` asks for and the machine does not have is said at the start and by \`config check\`; the process runs without
it. Cores are applied by the process itself. An allocator has to be there when it starts
(\`LD_PRELOAD=…/libmimalloc.so outcry exchange\`).

## Keys
*: may change while running.

${keyTables()}`;
}
