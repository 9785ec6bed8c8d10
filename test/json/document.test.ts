// docs/JSON.md is played and compared: its conversation, its tables, its log-in in Python.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CHANNELS, REQUEST_FIELDS } from '../../src/json/requests.ts';
import { hmacSha256 } from '../../src/net/signing.ts';
import { signedText } from '../../src/wire/framing/signed_login.ts';
import { requireTool } from '../requirements.ts';
import { JsonRig } from './json_rig.ts';

const TEXT = readFileSync(new URL('../../docs/JSON.md', import.meta.url), 'utf8');

/** The n-th block of a language. */
function block(language: string): string {
  return new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(TEXT)?.[1] ?? '';
}

/** What is each day's own. */
function masked(line: string): string {
  return line.replace(/"timestamp":\d{19}/, '"timestamp":0').replace(/"challenge":"[0-9a-f]{32}"/, '"challenge":""')
    .replace(/"session":"\w{10}"/, '"session":""');
}

test('the conversation is what the gateway says', async () => {
  const rig = await JsonRig.open();
  try {
    const client = await rig.client();
    let heard = 0;
    for (const line of block('text').trimEnd().split('\n')) {
      const said = line.slice(2);
      if (line.startsWith('→')) {
        client.say(said);
        continue;
      }
      await rig.until(() => client.lines.length > heard, said, 10_000_000);
      assert.equal(masked(client.lines[heard++].trimEnd()), masked(said));
    }
    assert.equal(heard, client.lines.length);
    assert.ok(heard > 20);
  } finally {
    rig.close();
  }
});

test('the tables name every request with its fields, and every channel', () => {
  for (const [op, fields] of Object.entries(REQUEST_FIELDS)) {
    const row = new RegExp(`^\\| \`${op}\` \\|([^|]*)\\|([^|]*)\\|`, 'm').exec(TEXT);
    assert.ok(row !== null, `a row for ${op}`);
    for (const field of fields) assert.ok(row[0].includes(field), `${op}: ${field}`);
    for (const [, field] of row[1].matchAll(/`(\w+)`/g)) assert.ok(fields.includes(field), `${op} has no ${field}`);
  }
  for (const channel of CHANNELS.keys()) assert.ok(TEXT.includes(`\`${String(channel)}\``), String(channel));
});

test('the log-in in Python is signed as the exchange has it', (t) => {
  const python = requireTool(t, 'python3');
  if (python === null) return;
  const secret = '5f'.repeat(32);
  const nonce = '0a'.repeat(16);
  const program = `${block('python')}\nimport json\nprint(json.dumps(login("${nonce}", "ALPHA-1", "ALPHA", 7, "${secret}", 3)))\n`;
  const { stdout, stderr } = spawnSync(python, ['-c', program], { encoding: 'utf8' });
  assert.equal(stderr, '');
  const { time, signature, user, next } = JSON.parse(stdout) as { time: number; signature: string; user: string; next: number };
  const text = signedText(Uint8Array.fromHex(nonce), user, time, next);
  assert.equal(signature, hmacSha256(Uint8Array.fromHex(secret), text).toHex());
});
