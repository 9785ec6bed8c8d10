import { render } from 'preact';
import '../shared/base.css';
import { startTheme } from '../shared/theme.ts';

startTheme();
render(<h1>Outcry</h1>, document.querySelector('#page')!);
