import { render } from 'preact';
import '../shared/base.css';
import '../shared/frame.css';
import './time_travel.css';
import { startTheme } from '../shared/theme.ts';
import { startKeys } from './actions.ts';
import { Page } from './page.tsx';
import { start } from './state.ts';

startTheme();
startKeys();
start();
render(<Page />, document.querySelector('#page')!);
