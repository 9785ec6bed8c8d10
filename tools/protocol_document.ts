export function protocolDocument(): string { return ''; }
