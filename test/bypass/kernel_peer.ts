// A process with the kernel's own sockets, through Node's modules alone, in a namespace: the other end for a stack of our own.
//
//   kernel_peer.ts HOST PORT GROUP
//
// Echoes: bytes of TCP connections to PORT; datagrams to PORT; datagrams to GROUP, answered by unicast. A datagram
// "connect N" has it connect to the sender's port N and echo there too, ending when the other side ends.
import { createSocket } from 'node:dgram';
import { connect, createServer, type Socket } from 'node:net';

const [host, portText, group] = process.argv.slice(2);
const port = Number(portText);

function echo(socket: Socket): void {
  socket.on('error', () => {}); // resets are among what is tried
  socket.pipe(socket);
}

const datagrams = createSocket({ type: 'udp4', reuseAddr: true });
datagrams.on('message', (message, from) => {
  const asked = /^connect (\d+)$/.exec(message.toString('latin1'));
  if (asked === null) datagrams.send(message, from.port, from.address);
  else echo(connect({ host: from.address, port: Number(asked[1]), allowHalfOpen: true }));
});
const heard = createSocket({ type: 'udp4', reuseAddr: true });
heard.on('message', (message, from) => heard.send(message, from.port, from.address));
await new Promise<void>((resolve) => datagrams.bind(port, host, resolve));
await new Promise<void>((resolve) => heard.bind(port, group, resolve));
heard.addMembership(group, host);
heard.setMulticastInterface(host);
createServer({ allowHalfOpen: true }, echo).listen(port, host, () => console.log('ready'));
