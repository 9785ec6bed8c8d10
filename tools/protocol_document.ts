// docs/PROTOCOL.md: every layout as a table from the schema, examples from the golden bytes, and
// the conventions between them in words. Written for people who build a client in another language.
import { readGolden } from '../src/wire/golden.ts';
import { CODES, NONE_VALUES, fieldOf, layoutOf } from '../src/wire/schema.ts';
import type { Codes, Layout } from '../src/wire/schema.ts';

const TYPE_TEXT: Readonly<Record<string, string>> = {
  char: 'ASCII',
  text: 'ASCII, spaces behind',
  textRight: 'ASCII, spaces before',
  digits: 'ASCII digits, spaces before',
  hex: 'bytes',
  reserved: 'reserved',
};

export function protocolDocument(): string {
  const golden = readGolden();
  return `<!-- Generated from src/wire/schema.ts by \`npm run generate\`. Do not edit. -->
# Protocol

What to send and what to expect, byte by byte. All sizes in bytes.

- [Endpoints](#endpoints) · [Conventions](#conventions)
- [Order entry](#order-entry): [framings](#framings-on-tcp) · [requests](#requests) · [responses](#responses) · [reject codes](#reject-codes)
- [Market data](#market-data): [MoldUDP64](#native-moldudp64) · [update](#marketupdate) · [book](#book) · [bare](#bare) · [recovery](#late-joiners-and-lost-datagrams)
- [The 40-byte market data message](#the-40-byte-market-data-message) · [Records of the core](#records-of-the-core)
- [Example bytes](#example-bytes)

## Endpoints
| what | default | flags of \`outcry exchange\` |
|---|---|---|
| order entry, TCP | 127.0.0.1:12345 | \`--interface\`, \`--port\`, \`--framing auto\\|bare\\|sequenced\\|soup\` |
| incremental feed, UDP multicast | 239.255.0.1:5000, TTL 1, interface 127.0.0.1 | \`--multicast-addr\`, \`--multicast-port\`, \`--ttl\`, \`--feed native\\|book\\|bare\` |
| snapshot feed | the same group, port + 1 (5001), a cycle every second | \`--snapshot-addr\`, \`--snapshot-port\`, \`--snapshot-interval\` |
| retransmit requests, UDP unicast | the exchange's address, port + 2 (5002) | |
| operator's channel, TCP, lines of JSON: [OPERATING.md](OPERATING.md) | 127.0.0.1, a free port | \`--operator-port\`, \`--no-operator\` |

\`bare\` and \`sequenced\` are for the loopback interface only, for there nobody logs in. Beyond it: a [signed log-in](#framings-on-tcp) on \`soup\`.

## Conventions
- Native messages are little-endian and packed: a field begins where the one before it ends. SoupBinTCP and MoldUDP64 headers are big-endian.
- A price is a signed 64-bit integer in units of 10^-decimals of the instrument: with 2 decimals, 100.50 is 10050. It must lie on the
  instrument's tick grid and in its range.
- A quantity is an unsigned 32-bit integer above 0.
- A client's order id is any value that none of its *live* orders has. On \`soup\` ids must rise from 1, and every new order uses its id up, whatever the answer. A new order
  whose id is not above all before has no effect: where its answer is one of the last 1,024 to new orders, and still in the outbound log, the same 42 bytes come again as a message of their own
  (next number, no gap); else it is rejected with 5. So after a break a client may send again whatever it has no answer to.
- Every request gets at least one response, but for a mass cancel that finds nothing. A rejected response without an order id (0) and with code 20 answers no request: the client was locked out.

${noneTable()}
${codesTable('Side')}
## Order entry

### Framings on TCP
A listener of framing \`auto\` decides by the first byte: 0 is SoupBinTCP, 1 … 5 is \`bare\`. \`sequenced\` has to be configured.
Bytes that no message begins with end the connection; a wrong order does not.

**\`bare\`**: messages one after the other. The type byte decides the size: ${layoutOf('ClientRequestExtended').bytes} for type 3, ${layoutOf('ClientRequest').bytes} for
every other request, ${layoutOf('ClientResponse').bytes} for every response. The client id of the first message becomes that of the connection; a message with another one is refused.

**\`sequenced\`**: a sequence number before each message, from 1, for each direction and connection.
A request takes ${withHeader('ClientRequest')} bytes (${withHeader('ClientRequestExtended')} extended), a response ${withHeader('ClientResponse')}. The exchange closes a connection whose next number is
missing, with the number it expected. Identity as on \`bare\`.

${layoutTable('SequenceHeader')}
**\`soup\`**: SoupBinTCP 4.1. Requests travel in \`U\` packets, responses in \`S\` packets. The client logs in first. \`S\` packets are
counted from 1 over the life of the session, so a client that was cut off logs in again with the number of the next packet it needs. Either side says something
at least once a second. A log-in of 49 bytes (version 3.0, without a heartbeat time) is understood too. Numbers are decimal digits.
A packet is at most 2,048 bytes long.

${codesTable('SoupPacket')}
${layoutTable('SoupHeader')}
${layoutTable('SoupLoginRequest')}
${layoutTable('SoupLoginRequest30')}
${layoutTable('SoupLoginAccepted')}
${layoutTable('SoupLoginRejected')}
${codesTable('SoupRejectCode')}
**Signed log-in.** An account with a key logs in by showing that it has it. Beyond loopback there is no other way in; on loopback an account that also has a
password may use that instead. Nobody but client and exchange learns anything from what is said:

1. The exchange sends a challenge: to a connection from beyond loopback as its first packet, to others as soon as it is seen to speak \`soup\` (a client heartbeat will do),
   where it has any keys. The nonce is random and good for one log-in on this connection.
2. The client sends a signature, then the log-in. The password field is left empty.
3. The exchange checks that the key is one of the user's, that the time is within 30 s of its own, and that the signature is the HMAC-SHA256 of the 38 bytes below with that nonce, and with user
   and next sequence of the log-in. Anything else, and a second signature, is refused (\`A\`), and the connection closed.

${layoutTable('SoupChallenge')}
${layoutTable('SoupSignature')}
${layoutTable('SoupSignedText')}
${codesTable('SoupSigned')}
### Requests
${codesTable('RequestType')}
${layoutTable('ClientRequest')}
${layoutTable('ClientRequestExtended')}
${codesTable('OrderType')}
${codesTable('TimeInForce')}
${codesTable('OrderFlag')}
${codesTable('SelfTradePrevention')}
### Responses
${codesTable('ResponseType')}
${layoutTable('ClientResponse')}
A new order that trades gets, in this order: accepted (executed 0, leaves = the quantity), one filled for each fill, then expired if its rest does not go into the
book. Each fill is also reported to the owner of the resting order. The price of a fill is the resting order's.

### Reject codes
They stand in \`execQty\` of a rejected, cancel rejected or expired response, and of a modified one that
the system caused (self-trade prevention by decrement).

${codesRows('RejectCode')}
Which of them comes first, and what the limits mean: MATCHING.md, *Before matching*. Codes 9 to 12, 14, 15, 20 and 23 come from limits of the exchange and leave everything as it was.
- **15, rate**: requests came faster than the account may send. Cancels have a budget of their own, the larger one. The session is read more slowly until it keeps its rate; after too many refusals it is closed, and
  a log-in is refused (\`S\`) until its time has come. A log-in counts as a message. Connecting anew is no fresh budget.
- **20, killed**: an operator has locked the client out. Its orders were canceled (expired, code 20), cancels are still answered, and it holds over reconnects until it is lifted; of that no message comes.
- **16, state**: the instrument is halted or closed; cancels are taken.

## Market data

### \`native\`: MoldUDP64
The default. A datagram is a header and whole messages, each behind its length; at most 1,472 bytes. The messages of a session are numbered from 1; the
header has the number of the first one. After a second of silence, and with each snapshot cycle, comes a heartbeat (count 0), whose sequence is the number of the next message; the session ends with count 0xFFFF.

${layoutTable('MoldHeader')}
${layoutTable('MoldBlock')}
### MarketUpdate
${codesTable('UpdateType')}
${layoutTable('MarketUpdate')}
Orders stand in the book by price, then by rising priority. A fill makes a trade, then a cancel (the order is used up) or a modify (its
new visible quantity). Only the visible part of an iceberg is shown; when it is refreshed, the order appears anew with a higher priority.

### \`book\`
Several updates of ${layoutOf('BookUpdate').bytes} bytes in a datagram, whole ones, no header. Incremental messages are numbered from 1 over all instruments.
There are no retransmit requests.

${codesTable('BookUpdateType')}
${layoutTable('BookUpdate')}
### \`bare\`
One MarketUpdate of ${layoutOf('MarketUpdate').bytes} bytes a datagram, nothing else. A lost one cannot be noticed.

### Late joiners and lost datagrams
- **Requests** (\`native\`): a datagram of the ${layoutOf('MoldHeader').bytes} bytes of a MoldHeader, to port + 2, with session, first sequence and count wanted. The answer comes to the
  asking socket as an ordinary datagram of that session, with as many of the messages as fit: ask again for the rest. Requests are answered to the loopback interface and to
  addresses with a live session, at a limited rate.
- **Snapshot**: a cycle is a MoldUDP64 session of its own, messages from 1: snapshot start, for each instrument a clear and its visible orders (types add or snapshot) side by side in
  order of priority, snapshot end. Start and end carry the last incremental sequence that the cycle contains: apply the cycle, then the kept
  incremental messages with higher numbers. In \`book\` the cycle is numbered from 0.
- A number that came already is a duplicate: ignore it. A higher one than expected is a gap: keep it and ask.

## The 40-byte market data message
${codesTable('MarketDataType')}
${codesTable('MarketDataSide')}
${layoutTable('MarketData')}
## Records of the core
Not on any wire: how commands go into the matching engine and events come out, in shared memory. Little-endian and aligned. Their numbers are in
\`core/codes.ts\`, their meaning in MATCHING.md.

${layoutTable('Command')}
${layoutTable('CommandExtension')}
${layoutTable('Event')}
## Example bytes
In hexadecimal, with a space between fields. The tests make and read each of them.

${golden.messages.map((example) => exampleText(`${example.layout}: ${example.name}`, example)).join('')}${golden.frames.map((example) => exampleText(`\`${example.framing}\`: ${example.name}`, example)).join('')}${golden.datagrams.map((example) => exampleText(`MoldUDP64: ${example.name}`, example)).join('')}`;
}

function withHeader(name: string): number {
  return layoutOf('SequenceHeader').bytes + layoutOf(name).bytes;
}

function layoutTable(name: string): string {
  const layout = layoutOf(name);
  return `**${layout.name}**, ${layout.bytes} bytes. ${layout.doc}

| field | offset | size | type | |
|---|---|---|---|---|
${fieldRows(layout)}`;
}

function fieldRows(layout: Layout): string {
  return layout.fields
    .map(({ name }) => {
      const { offset, width, type, doc } = fieldOf(layout, name);
      const order =
        width > 1 && layout.endian === 'big' && !(type in TYPE_TEXT) ? ', big-endian' : '';
      return `| ${name} | ${offset} | ${width} | ${TYPE_TEXT[type] ?? type}${order} |${doc === '' ? '' : ` ${doc}`} |\n`;
    })
    .join('');
}

function codes(name: string): Codes {
  const found = CODES.find((entry) => entry.name === name);
  if (found === undefined)
    throw new RangeError(
      `codes: expected one of ${CODES.map((entry) => entry.name).join(' ')}, was ${name}`,
    );
  return found;
}

function codesTable(name: string): string {
  return `**${name}**: ${codes(name).doc}

${codesRows(name)}`;
}

function codesRows(name: string): string {
  const ascii = codes(name).family === 'soup';
  const rows = codes(name).values.map(([word, value, doc]) => {
    const spaced = word.replace(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase();
    const number = ascii ? `0x${value.toString(16)}` : String(value);
    return `| ${number} | ${doc === '' || doc === spaced ? spaced : doc.startsWith(spaced) ? doc : `${spaced}: ${doc}`} |\n`;
  });
  return `| value | |\n|---|---|\n${rows.join('')}`;
}

function noneTable(): string {
  const rows = NONE_VALUES.map(
    ({ value, bits, doc }) => `| ${doc} | 0x${value.toString(16).padStart(bits / 4, '0')} |\n`,
  );
  return `**None** is a value of its own, never left to chance:

| field | none |
|---|---|
${rows.join('')}| side | 0 |
`;
}

function exampleText(title: string, example: { readonly hex: string }): string {
  return `${title}
\`\`\`
${example.hex}
\`\`\`
`;
}
