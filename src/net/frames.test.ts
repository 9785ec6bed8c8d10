// The parts of the stack over frames: check sums, the ring of datagrams, neighbours, faults, names of networks.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../base/clock.ts';
import { Prng } from '../base/prng.ts';
import { parseIpv4 } from './address.ts';
import { parseBypassChoice } from './bypass_choice.ts';
import { DatagramRing } from './datagram_ring.ts';
import { FrameCable } from './frame_cable.ts';
import { formatMac, parseMac } from './frame_port.ts';
import { IpWire } from './ip_wire.ts';
import { LossyPort } from './lossy_port.ts';
import {
  ARP_REPLY, ARP_REQUEST, checkIpv4, ETHERTYPE_ARP, headerChecksum, Ipv4Fault, IP_AT, multicastMacLow, PROTOCOL_UDP,
  TRANSPORT_AT, transportChecksum, UDP_BYTES, writeArp, writeEthernet, writeIpv4, writeUdp,
} from './packet.ts';

const OURS = parseIpv4('10.1.0.1');
const OTHERS = parseIpv4('10.1.0.2');

function view(hex: string): DataView {
  return new DataView(Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex')).buffer);
}

test('the IPv4 check sum is that of a header from the literature', () => {
  const header = view('4500 0073 0000 4000 4011 0000 c0a8 0001 c0a8 00c7');
  assert.equal(headerChecksum(header, 0, 20), 0xb861);
  header.setUint16(10, 0xb861);
  assert.equal(headerChecksum(header, 0, 20), 0);
});

test('check sums agree with the sum of 16-bit words, one by one, at any length; each single bit shows', () => {
  const prng = new Prng(3);
  for (let round = 0; round < 400; round += 1) {
    const bytes = prng.between(1, 300);
    const packet = new DataView(new ArrayBuffer(20 + bytes));
    for (let i = 0; i < packet.byteLength; i += 1) packet.setUint8(i, prng.chance(0.3) ? 255 : prng.below(256));
    let sum = PROTOCOL_UDP + bytes;
    for (let i = 12; i < 20; i += 2) sum += packet.getUint16(i);
    for (let i = 0; i < bytes; i += 1) sum += packet.getUint8(20 + i) << (i % 2 === 0 ? 8 : 0);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
    const checksum = transportChecksum(packet, 0, PROTOCOL_UDP, 20, bytes);
    assert.equal(checksum, ~sum & 0xffff);
    const at = 20 + prng.below(bytes);
    packet.setUint8(at, packet.getUint8(at) ^ (1 << prng.below(8)));
    assert.notEqual(transportChecksum(packet, 0, PROTOCOL_UDP, 20, bytes), checksum);
  }
});

test('a packet is taken or refused for what is wrong with it', () => {
  const frame = new DataView(new ArrayBuffer(200));
  const written = (): void => {
    writeIpv4(frame, 0, PROTOCOL_UDP, UDP_BYTES + 5, 64, OURS, OTHERS);
    writeUdp(frame, 0, 1000, 2000, 5);
  };
  const fault = (change: () => void): Ipv4Fault => {
    written();
    change();
    frame.setUint16(IP_AT + 10, 0);
    frame.setUint16(IP_AT + 10, headerChecksum(frame, IP_AT, 20));
    return checkIpv4(frame, IP_AT, 46);
  };
  written();
  assert.equal(checkIpv4(frame, IP_AT, 46), Ipv4Fault.None);
  assert.equal(transportChecksum(frame, IP_AT, PROTOCOL_UDP, TRANSPORT_AT, UDP_BYTES + 5), 0);
  frame.setUint8(IP_AT + 8, 63);
  assert.equal(checkIpv4(frame, IP_AT, 46), Ipv4Fault.Checksum);
  assert.equal(fault(() => frame.setUint8(IP_AT, 0x65)), Ipv4Fault.Malformed, 'version 6');
  assert.equal(fault(() => frame.setUint8(IP_AT, 0x44)), Ipv4Fault.Malformed, 'a header of 16 bytes');
  assert.equal(fault(() => frame.setUint16(IP_AT + 2, 47)), Ipv4Fault.Malformed, 'longer than the frame');
  assert.equal(fault(() => frame.setUint16(IP_AT + 2, 19)), Ipv4Fault.Malformed, 'shorter than its header');
  assert.equal(fault(() => frame.setUint16(IP_AT + 6, 0x2000)), Ipv4Fault.Fragment, 'more fragments');
  assert.equal(fault(() => frame.setUint16(IP_AT + 6, 0x0003)), Ipv4Fault.Fragment, 'a later fragment');
  assert.equal(fault(() => frame.setUint16(IP_AT + 6, 0x4000)), Ipv4Fault.None, 'may not be fragmented');
});

test('the Ethernet address of a group has its last 23 bits', () => {
  assert.equal(formatMac(0x0100, multicastMacLow(parseIpv4('239.255.0.1'))), '01:00:5e:7f:00:01');
  assert.equal(formatMac(0x0100, multicastMacLow(parseIpv4('224.128.1.2'))), '01:00:5e:00:01:02');
  assert.deepEqual(parseMac('02:00:fF:00:00:0a'), { high: 0x0200, low: 0xff00000a });
  assert.equal(parseMac('02:00:ff:00:00'), null);
});

test('the ring of datagrams is a queue with room for so many bytes: against a plain list', () => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const prng = new Prng(seed);
    const size = prng.between(64, 700);
    const ring = new DatagramRing(size);
    const twin: { bytes: number[]; ipv4: number; port: number }[] = [];
    const source = new Uint8Array(400);
    const target = new Uint8Array(400);
    for (let step = 0; step < 600; step += 1) {
      if (prng.chance(0.55)) {
        const bytes = prng.between(1, 150);
        for (let i = 0; i < bytes; i += 1) source[7 + i] = prng.below(256);
        const ipv4 = prng.u32();
        const port = prng.below(65_536);
        const used = twin.reduce((sum, one) => sum + 12 + ((one.bytes.length + 3) & ~3), 0);
        const taken = ring.push(source, 7, bytes, ipv4, port);
        // What is skipped at the end may cost one record's room.
        if (used + 2 * (12 + bytes + 3) <= size) assert.equal(taken || twin.length > 0, true, `seed ${seed}: room`);
        if (taken) {
          assert.ok(used + 12 + bytes <= ((size + 3) & ~3), `seed ${seed}: no more than its room`);
          twin.push({ bytes: [...source.subarray(7, 7 + bytes)], ipv4, port });
        }
      } else if (twin.length > 0) {
        const expected = twin.shift()!;
        const max = prng.between(1, 200);
        target.fill(0);
        const count = ring.take(target, 3, max);
        assert.equal(count, Math.min(max, expected.bytes.length), `seed ${seed}`);
        assert.deepEqual([...target.subarray(3, 3 + count)], expected.bytes.slice(0, count), `seed ${seed}`);
        assert.equal(target[3 + count], 0, 'nothing behind it is touched');
        assert.deepEqual([ring.senderIpv4, ring.senderPort, ring.lastBytes], [expected.ipv4, expected.port, expected.bytes.length]);
      }
      assert.equal(ring.count, twin.length);
      ring.checkInvariants();
    }
  }
});

/** One end is a wire, the other is looked at and written to by hand. */
function wireRig(neighbours: { ipv4: number; macHigh: number; macLow: number }[] = [], gateway = 0): {
  wire: IpWire; clock: ManualClock; arrived: () => DataView[];
  answer: (operation: number, ipv4: number, macLow: number) => void;
} {
  const cable = new FrameCable();
  const clock = new ManualClock();
  const wire = new IpWire(cable.ends[0], { ipv4: OURS, prefixBits: 24, gateway, neighbours }, clock);
  const other = cable.ends[1];
  return {
    wire, clock,
    arrived: () => Array.from({ length: other.receive() }, (_, i) => new DataView(other.memory.slice(other.frameAt(i), other.frameAt(i) + other.frameBytes(i)).buffer)),
    answer: (operation, ipv4, macLow) => {
      const at = other.claim();
      writeEthernet(other.view, at, 0xffff, 0xffffffff, 0x0200, macLow, ETHERTYPE_ARP);
      writeArp(other.view, at, operation, 0x0200, macLow, ipv4, cable.ends[0].macHigh, cable.ends[0].macLow, OURS);
      other.commit(60);
      const count = cable.ends[0].receive();
      for (let i = 0; i < count; i += 1) wire.receiveArp(cable.ends[0].frameAt(i), cable.ends[0].frameBytes(i));
    },
  };
}

function sendOne(wire: IpWire, to: number, mark: number): void {
  const neighbour = wire.neighbour(to);
  assert.ok(neighbour !== null);
  const at = wire.claim();
  wire.port.view.setUint8(at + TRANSPORT_AT, mark);
  wire.address(at, PROTOCOL_UDP, UDP_BYTES, 64, to);
  wire.transmit(at, neighbour, UDP_BYTES);
}

const isArpOf = (frame: DataView): boolean => frame.getUint16(12) === ETHERTYPE_ARP;

test('who is not known is asked for, and what waits leaves with the answer, in order', () => {
  const { wire, arrived, answer } = wireRig();
  assert.equal(arrived().length, 1, 'it greets the segment');
  for (let i = 0; i < 3; i += 1) sendOne(wire, OTHERS, i);
  const asked = arrived();
  assert.equal(asked.length, 1, 'one question');
  assert.ok(isArpOf(asked[0]));
  assert.equal(asked[0].getUint16(20), ARP_REQUEST);
  assert.equal(asked[0].getUint32(38), OTHERS);
  answer(ARP_REPLY, OTHERS, 42);
  const frames = arrived();
  assert.deepEqual(frames.map((frame) => frame.getUint8(TRANSPORT_AT)), [0, 1, 2]);
  assert.ok(frames.every((frame) => frame.getUint16(0) === 0x0200 && frame.getUint32(2) === 42), 'to where it is');
  sendOne(wire, OTHERS, 9);
  assert.equal(arrived().length, 1, 'known from now on');
});

test('an answer that nobody asked for is not believed; a question about us tells where the asker is', () => {
  const { wire, arrived, answer } = wireRig();
  arrived();
  answer(ARP_REPLY, OTHERS, 66);
  sendOne(wire, OTHERS, 1);
  assert.ok(isArpOf(arrived()[0]), 'it asks for itself');
  answer(ARP_REPLY, OTHERS, 42);
  arrived();
  answer(ARP_REPLY, OTHERS, 66);
  sendOne(wire, OTHERS, 2);
  assert.equal(arrived()[0].getUint32(2), 42, 'and keeps what it was told when it asked');
  answer(ARP_REQUEST, parseIpv4('10.1.0.3'), 43);
  const reply = arrived();
  assert.equal(reply[0].getUint16(20), ARP_REPLY);
  sendOne(wire, parseIpv4('10.1.0.3'), 3);
  assert.equal(arrived()[0].getUint32(2), 43, 'no question needed');
});

test('who does not answer is asked ten times; then what waits is dropped and counted, and it is asked anew', () => {
  const { wire, clock, arrived } = wireRig();
  arrived();
  for (let i = 0; i < 40; i += 1) sendOne(wire, OTHERS, i);
  assert.equal(wire.counters.unreachable, 8, 'thirty-two wait');
  let questions = arrived().length;
  for (let i = 0; i < 300; i += 1) {
    clock.advance(10e6);
    wire.refreshTime();
    wire.onTime();
    questions += arrived().length;
  }
  assert.equal(questions, 10);
  assert.equal(wire.counters.unreachable, 40);
  assert.equal(wire.neighbour(OTHERS)?.silent, true);
  sendOne(wire, OTHERS, 1);
  assert.equal(arrived().length, 1);
});

test('given neighbours and groups are never asked for; beyond the subnet lies the gateway', () => {
  const { wire, arrived } = wireRig([{ ipv4: OTHERS, macHigh: 0x0200, macLow: 7 }], OTHERS);
  arrived();
  sendOne(wire, OTHERS, 1);
  sendOne(wire, parseIpv4('239.1.2.3'), 2);
  sendOne(wire, parseIpv4('192.0.2.1'), 3);
  const frames = arrived();
  assert.deepEqual(frames.map((frame) => [frame.getUint16(0), frame.getUint32(2)]), [[0x0200, 7], [0x0100, 0x5e010203], [0x0200, 7]]);
  assert.equal(wireRig().wire.neighbour(parseIpv4('192.0.2.1')), null, 'without a gateway there is no way');
});

test('a lossy port loses the share it is told to, and no frame twice or out of order', () => {
  const cable = new FrameCable();
  const port = new LossyPort(cable.ends[1], 0.25, 5);
  const sender = cable.ends[0];
  let received = 0;
  let last = -1;
  for (let i = 0; i < 4000; i += 1) {
    sender.view.setUint32(sender.claim(), i);
    sender.commit(60);
    for (let count = port.receive(); count > 0; count = port.receive()) {
      for (let k = 0; k < count; k += 1) {
        const number = port.view.getUint32(port.frameAt(k));
        assert.ok(number > last);
        last = number;
        received += 1;
      }
    }
  }
  assert.equal(received + port.lost, 4000);
  assert.ok(port.lost > 850 && port.lost < 1150, `${port.lost} of 4000 were lost`);
});

test('names of networks are read, and what is wrong with one is said', () => {
  const xdp = parseBypassChoice('xdp:eth1,ip=10.1.0.1/24,queue=3,copy=copy,attach=generic,gateway=10.1.0.9,neighbour=10.1.0.2@02:00:00:00:00:07');
  assert.deepEqual(xdp, {
    kind: 'xdp',
    options: {
      ipv4: OURS, prefixBits: 24, gateway: parseIpv4('10.1.0.9'), neighbours: [{ ipv4: OTHERS, macHigh: 0x0200, macLow: 7 }],
      interface: 'eth1', queue: 3, copy: 'copy', attach: 'generic',
    },
  });
  const dpdk = parseBypassChoice('dpdk:net_tap0,iface=t0,ip=10.1.0.1/24,huge=off,memory=64,eal=--iova-mode=va,mac=fixed');
  assert.deepEqual(dpdk, {
    kind: 'dpdk',
    options: {
      ipv4: OURS, prefixBits: 24, neighbours: [], hugePages: false, memoryMb: 64, arguments: ['--iova-mode=va'],
      device: 'net_tap0,iface=t0,mac=fixed',
    },
  });
  const wrong: [string, RegExp][] = [
    ['xdp:', /expected xdp:NAME/],
    ['xdp:eth1,ip=10.1.0.1', /expected ip=ADDRESS\/BITS, once, was 10\.1\.0\.1/],
    ['xdp:eth1,ip=10.1.0.1/31', /expected ip=ADDRESS\/BITS/],
    ['xdp:eth1,ip=10.1.0.1/24,ip=10.1.0.2/24', /once, was 10\.1\.0\.1\/24, 10\.1\.0\.2\/24/],
    ['xdp:eth1,queue=x', /expected queue=0 to 255, once, was x/],
    ['xdp:eth1,copy=fast', /expected copy=auto\|copy\|zero-copy, once, was fast/],
    ['xdp:eth1,speed=9', /expected the keys ip, .*, was speed=9/],
    ['xdp:eth1,loss=1', /expected loss=0 to 0\.9/],
    ['xdp:eth1,neighbour=10.1.0.2', /expected neighbour=ADDRESS@MAC, was 10\.1\.0\.2/],
    ['xdp:eth1,,', /expected key=value behind each comma/],
    ['dpdk:net_tap0,iface=t0', /expected ip=ADDRESS\/BITS, for DPDK's device has none/],
    ['dpdk:net_tap0,ip=10.1.0.1/24,memory=1', /expected memory=64 to 65536/],
  ];
  for (const [choice, message] of wrong) assert.throws(() => parseBypassChoice(choice), { name: 'RangeError', message }, choice);
});
