// Opens each page at the width of a phone and of a desk, in light and in dark, and prints it.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, resolve } from 'node:path';
import { chromium } from 'playwright-core';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core'), 'utf8');
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
let passed = 0;
const failures = [];
const check = (what, complaints) => {
    if (complaints.length === 0) passed += 1;
    else failures.push(`${what}: ${complaints.join('; ')}`);
};

for (const file of process.argv.slice(2)) {
    const address = `file://${resolve(file)}`;
    const picture = (name) => `../${basename(file, '.html')}-${name}`;
    for (const width of [400, 1280]) {
        for (const colorScheme of ['light', 'dark']) {
            const what = `${file} at ${width} px, ${colorScheme}`;
            const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
            const said = [];
            page.on('console', (message) => said.push(message.text()));
            page.on('pageerror', (error) => said.push(String(error)));
            page.on('request', (request) => request.url() === address || said.push(`asked for ${request.url()}`));
            await page.goto(address);
            check(`${what}: silence`, said);
            const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
            check(`${what}: no horizontal scrolling`, overflow > 0 ? [`${overflow} px too wide`] : []);
            await page.evaluate(() => document.querySelectorAll('details').forEach((details) => (details.open = true)));
            const opened = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
            check(`${what}: no horizontal scrolling when unfolded`, opened > 0 ? [`${opened} px too wide`] : []);
            const narrow = await page.evaluate(() =>
                [...document.querySelectorAll('.bars svg')].map((bar) => bar.getBoundingClientRect().width).filter((bar) => bar < 60),
            );
            check(`${what}: bars can be compared`, narrow.map((bar) => `a bar of ${bar} px`));
            const wide = await page.evaluate(() => {
                const { right } = document.querySelector('main').getBoundingClientRect();
                return [...document.querySelectorAll('main table')].filter((table) => table.getBoundingClientRect().right > right + 1).length;
            });
            check(`${what}: no table is wider than the page`, wide > 0 ? [`${wide} are`] : []);
            // Contrast, names, headings, tables, landmarks.
            const { violations } = await page.evaluate(`${axe}; axe.run()`);
            const words = violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`));
            check(`${what}: accessible`, words);
            await page.screenshot({ path: picture(`${width}-${colorScheme}.png`), fullPage: true });
            await page.close();
        }
    }

    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    await page.goto(address);
    const stops = await page.evaluate(() => {
        const places = [...document.querySelectorAll('a[href], summary')].filter(
            (place) => place.matches('summary') || !place.closest('details:not([open])'),
        );
        places.forEach((place, at) => (place.dataset.at = at));
        return places.length;
    });
    const order = [];
    for (let at = 0; at < Math.min(stops, 40); at += 1) {
        await page.keyboard.press('Tab');
        order.push(Number(await page.evaluate(() => document.activeElement.dataset.at)));
    }
    check(`${file}: the keyboard goes as one reads`, order.every((stop, at) => stop === at) ? [] : [order.join(' ')]);
    const charts = await page.evaluate(() =>
        [...document.querySelectorAll('figure')].map((figure) => ({
            text: figure.querySelector('[role=img]')?.getAttribute('aria-label') ?? '',
            rows: figure.querySelectorAll('table tbody tr').length,
            height: figure.querySelector('svg')?.getBoundingClientRect().height ?? 0,
        })),
    );
    const bare = charts.filter(({ text, rows, height }) => text.length < 20 || rows === 0 || height < 10);
    check(`${file}: every chart has a text and a table`, bare.map((chart) => JSON.stringify(chart)));
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    check(`${file}: printed on white`, background === 'rgb(255, 255, 255)' ? [] : [background]);
    await page.pdf({ path: picture('print.pdf'), format: 'A4', printBackground: true });
    await page.close();
}
await browser.close();
failures.forEach((failure) => console.error(`FAILED ${failure}`));
console.log(`${passed} passed, ${failures.length} failed`);
process.exit(failures.length === 0 ? 0 : 1);
