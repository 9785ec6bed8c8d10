import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../base/prng.ts';
import { MarketMessage } from './market_message.ts';
import { checkMarketText, checkMarketTextRefused, randomMarketText } from './market_message.reference.ts';
import { DEPTH_MAX, PRICE_MANTISSA, TIMESTAMP_NANOS, TIMESTAMP_SECONDS, VOLUME } from './market_message_text.ts';

const RANDOM_MESSAGES = 3_000;
const T = '"timestamp":1700000000123456789';

function read(text: string): MarketMessage {
  const message = new MarketMessage();
  const bytes = new TextEncoder().encode(text);
  message.read(bytes, 0, bytes.length);
  return message;
}

test('a message is read exactly: mantissa and decimals, seconds and nanoseconds', () => {
  const message = read('{"symbol":"T1","price":"100.25","volume":5,"timestamp":1700000000123456789}');
  assert.equal(message.fault, '');
  assert.equal(message.unusual, 0);
  assert.equal(message.symbol, 'T1');
  assert.deepEqual([message.numbers[PRICE_MANTISSA], message.priceDecimals], [10_025, 2]);
  assert.equal(message.numbers[VOLUME], 5);
  assert.deepEqual([message.numbers[TIMESTAMP_SECONDS], message.numbers[TIMESTAMP_NANOS]], [1_700_000_000, 123_456_789]);
});

const PLAIN = [
  `{"symbol":"T1","price":100.25,"volume":5,${T}}`,
  `{${T},"volume":0,"price":"-0.5","symbol":"a b/c-d'"}`,
  ` { "price" : 0 , \t"symbol" : "X" ,\r\n "timestamp" : 0 , "volume" : 999999999999999 } `,
  `{"symbol":"T1","price":-1,"volume":1,"timestamp":9999999999999999999}`,
  `{"symbol":"T1","price":"0.0000000000001","volume":1,"timestamp":1}`,
  `{"symbol":"T1","symbol":"T2","price":1,"price":2,"volume":1,"volume":2,"timestamp":1,"timestamp":2}`,
];

const UNUSUAL = [
  `{"symbol":"T\\u0031","price":1,"volume":5,${T}}`,
  `{"s\\u0079mbol":"T1","price":1,"volume":5,${T}}`,
  `{"symbol":"\\"\\\\\\n","price":1,"volume":5,${T}}`,
  `{"symbol":"Zürich","price":1,"volume":5,${T}}`,
  `{"symbol":"\ufeffA","price":1,"volume":5,${T}}`,
  `{"symbol":"😀","price":1,"volume":5,${T}}`,
  `{"symbol":"T1","price":1.5e2,"volume":5,${T}}`,
  `{"symbol":"T1","price":15E-1,"volume":5e0,${T}}`,
  `{"symbol":"T1","price":0e999999,"volume":0e-5,${T}}`,
  `{"symbol":"T1","price":9007199254740991,"volume":9007199254740991,"timestamp":18446744073709551615}`,
  `{"symbol":"T1","price":1.000000000000000000000,"volume":5.00,${T}}`,
  `{"symbol":"T1","price":0.000000000000000001,"volume":5,${T}}`,
  `{"symbol":"T1","price":1,"volume":5,${T},"side":"buy","more":[{"a":null}],"__proto__":{"price":7}}`,
  `{"symbol":5,"symbol":"T1","price":1,"volume":5,${T}}`,
  `{"more":${'['.repeat(DEPTH_MAX - 1)}${']'.repeat(DEPTH_MAX - 1)},"symbol":"T1","price":1,"volume":5,${T}}`,
];

test('the plain way takes what is plain, in any order, with white space anywhere; the last of two fields counts', () => {
  for (const text of PLAIN) {
    checkMarketText(text);
    assert.equal(read(text).unusual, 0, text);
  }
});

test('what is unusual is read all the same, and means what JSON.parse says', () => {
  for (const text of UNUSUAL) {
    checkMarketText(text);
    assert.equal(read(text).unusual, 1, text);
  }
});

const REFUSED: readonly (readonly [text: string, reason: RegExp])[] = [
  ['', /expected a JSON object: /],
  ['5', /expected a JSON object, was 5/],
  ['null', /expected a JSON object, was null/],
  ['[]', /expected a JSON object, was a list/],
  ['{}', /symbol: expected text of 1 to 32 bytes, was absent/],
  [`{"symbol":"","price":1,"volume":5,${T}}`, /symbol: .* was ""/],
  [`{"symbol":"${'x'.repeat(33)}","price":1,"volume":5,${T}}`, /symbol: /],
  [`{"symbol":"\\ud800","price":1,"volume":5,${T}}`, /symbol: /],
  [`{"symbol":"T1","price":NaN,"volume":5,${T}}`, /expected a JSON object: /],
  [`{"symbol":"T1","price":Infinity,"volume":5,${T}}`, /expected a JSON object: /],
  [`{"symbol":"T1","price":1e999,"volume":5,${T}}`, /price: .* was 1e999/],
  [`{"symbol":"T1","price":01,"volume":5,${T}}`, /expected a JSON object: /],
  [`{"symbol":"T1","price":1.,"volume":5,${T}}`, /expected a JSON object: /],
  [`{"symbol":"T1","price":.5,"volume":5,${T}}`, /expected a JSON object: /],
  [`{"symbol":"T1","price":+1,"volume":5,${T}}`, /expected a JSON object: /],
  [`{"symbol":"T1","price":-,"volume":5,${T}}`, /expected a JSON object: /],
  [`{"symbol":"T1","price":0x10,"volume":5,${T}}`, /expected a JSON object: /],
  [`{"symbol":"T1","price":"","volume":5,${T}}`, /price: .* was ""/],
  [`{"symbol":"T1","price":"1e2","volume":5,${T}}`, /price: .* was "1e2"/],
  [`{"symbol":"T1","price":" 1","volume":5,${T}}`, /price: /],
  [`{"symbol":"T1","price":"01","volume":5,${T}}`, /price: /],
  [`{"symbol":"T1","price":9007199254740993,"volume":5,${T}}`, /price: /],
  [`{"symbol":"T1","price":0.0000000000000000001,"volume":5,${T}}`, /price: /],
  [`{"symbol":"T1","price":true,"volume":5,${T}}`, /price: .* was true/],
  [`{"symbol":"T1","price":1,"volume":-5,${T}}`, /volume: expected a whole number below 2\^53, was -5/],
  [`{"symbol":"T1","price":1,"volume":5.5,${T}}`, /volume: .* was 5.5/],
  [`{"symbol":"T1","price":1,"volume":"5",${T}}`, /volume: .* was "5"/],
  [`{"symbol":"T1","price":1,"volume":9007199254740992,${T}}`, /volume: /],
  [`{"symbol":"T1","price":1,"volume":5,"timestamp":18446744073709551616}`, /timestamp: /],
  [`{"symbol":"T1","price":1,"volume":5,"timestamp":-1}`, /timestamp: /],
  [`{"symbol":"T1","price":1,"volume":5}`, /timestamp: expected nanoseconds since 1970 below 2\^64, was absent/],
  [`{"symbol":"T1","price":1,"volume":5,${T}},`, /expected a JSON object: /],
  [`{"symbol":"T1","price":1,"volume":5,${T},}`, /expected a JSON object: /],
  [`{"symbol":"T1","price":1,"volume":5,${T}}{`, /expected a JSON object: /],
  [`{"symbol":"T1" "price":1,"volume":5,${T}}`, /expected a JSON object: /],
  [`{"symbol":"T\n1","price":1,"volume":5,${T}}`, /expected a JSON object: /],
  [`\ufeff{"symbol":"T1","price":1,"volume":5,${T}}`, /expected a JSON object: /],
  [`\u00a0{"symbol":"T1","price":1,"volume":5,${T}}`, /expected a JSON object: /],
  [`{"more":${'['.repeat(DEPTH_MAX)}${']'.repeat(DEPTH_MAX)},"symbol":"T1","price":1,"volume":5,${T}}`, /64 levels of nesting/],
  [`{"more":${'{"a":'.repeat(200_000)}`, /64 levels of nesting/],
];

test('what JSON.parse or the rules of the fields refuse is refused, with what was expected', () => {
  for (const [text, reason] of REFUSED) {
    const message = read(text);
    assert.match(message.fault, reason, text.slice(0, 200));
    checkMarketTextRefused(text);
  }
  const bytes = new TextEncoder().encode(`{"symbol":"T1?","price":1,"volume":5,${T}}`);
  bytes[bytes.indexOf(0x3f)] = 0xc3; // the first half of a letter
  const message = new MarketMessage();
  assert.equal(message.read(bytes, 0, bytes.length), false);
  assert.match(message.fault, /expected a JSON object: .*(?:valid|encoded)/);
});

test('every cut of a message is refused, whatever stands behind it', () => {
  const text = `{"symbol":"T1","price":"100.25","volume":5,${T}}`;
  const bytes = new TextEncoder().encode(text + text.slice(1));
  const message = new MarketMessage();
  for (let end = 0; end < text.length; end++) assert.equal(message.read(bytes, 0, end), false, String(end));
  assert.ok(message.read(bytes, 0, text.length));
});

test('after a refusal the next message is read as if nothing had been', () => {
  const message = new MarketMessage();
  for (const [text, fine] of [['{', false], [PLAIN[0], true], [UNUSUAL[0], true], ['{}', false], [PLAIN[2], true]] as const) {
    const bytes = new TextEncoder().encode(text);
    assert.equal(message.read(bytes, 0, bytes.length), fine);
  }
  assert.equal(message.symbol, 'X');
});

test('random messages are what JSON.parse makes of them', () => {
  const prng = new Prng(5);
  for (let i = 0; i < RANDOM_MESSAGES; i++) checkMarketText(randomMarketText(prng));
});
