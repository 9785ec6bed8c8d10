// The processes and the machine below them: cores, memory, network.
import type { MachineView, ProcessView } from '../../src/observe/system_view.ts';
import { bytes, count, percent, span, UNKNOWN } from '../shared/format.ts';
import { Meter } from './exchange.tsx';
import { Panel } from './panel.tsx';
import { state } from './state.ts';

function ProcessRow({ process, nowMs }: { readonly process: ProcessView; readonly nowMs: number }) {
  return (
    <tr>
      <th scope="row">
        <span class={`beat ${process.beating ? 'good' : 'bad'}`} role="img" aria-label={process.beating ? 'beats' : 'silent'} />
        {process.title} <span class="muted">{process.pid}</span>
        {!process.beating && <span class="chip bad">silent</span>}
      </th>
      <td>{percent(process.cpuPercent)}</td>
      <td class="less">{process.busyTurnsPercent === null ? UNKNOWN : percent(process.busyTurnsPercent)}</td>
      <td>{bytes(process.residentBytes)}</td>
      <td class="less">{bytes(process.heapUsedBytes)}</td>
      <td class="less">{bytes(process.allocatedBytesPerSecond)}/s</td>
      <td class="less">{span(nowMs - process.startedMs)}</td>
    </tr>
  );
}

function Machine({ machine }: { readonly machine: MachineView }) {
  const used = machine.memoryTotalBytes - machine.memoryAvailableBytes;
  const interfaces = machine.interfaces.filter((each) => each.receivedBytes + each.sentBytes > 0);
  return (
    <div class="machine">
      <div class="cores">
        {machine.coresBusyPercent.map((busy, core) => <Meter key={core} name={`core ${core}`} share={busy / 100} text={percent(busy)} calm />)}
        <Meter name="memory" share={used / Math.max(1, machine.memoryTotalBytes)} text={`${bytes(used)} of ${bytes(machine.memoryTotalBytes)}`} />
      </div>
      <ul class="reasons">
        {interfaces.map(({ name, receivedBytes, sentBytes, dropped }) => (
          <li key={name} class={dropped > 0 ? 'warn' : ''}>
            <span>{name}</span>
            <b>{bytes(receivedBytes)} in, {bytes(sentBytes)} out{dropped > 0 ? `, ${count(dropped)} dropped` : ''}</b>
          </li>
        ))}
      </ul>
    </div>
  );
}

export function MachinePanel() {
  const system = state.status.value?.system;
  return (
    <Panel area="machine-panel" title="Processes and machine" note={`${count(system?.processes.length ?? 0)} processes`}>
      {system !== undefined && (
        <>
          <div class="scroll" tabIndex={0} role="group" aria-label="Processes, can be scrolled">
            <table class="table">
              <thead>
                <tr>
                  <th scope="col">Process</th><th scope="col">CPU</th><th scope="col" class="less">Busy turns</th><th scope="col">Memory</th>
                  <th scope="col" class="less">Heap</th><th scope="col" class="less">Allocates</th><th scope="col" class="less">Up</th>
                </tr>
              </thead>
              <tbody>{system.processes.map((process) => <ProcessRow key={process.pid} process={process} nowMs={system.atMs} />)}</tbody>
            </table>
          </div>
          <Machine machine={system.machine} />
        </>
      )}
    </Panel>
  );
}
