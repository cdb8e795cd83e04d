// The pages of the demo's identity provider: pick who to be, and what went wrong.
const WORDS = {
  sv: {
    title: 'Välj vem du är',
    lead: 'Det här är en övningslegitimation. Alla personer är påhittade.',
    patients: 'Patienter',
    relatives: 'Anhöriga',
    staff: 'Personal',
    cancel: 'Avbryt inloggningen',
    error: 'Inloggningen kunde inte fortsätta',
    errorHelp: 'Gå tillbaka till Hjälpmedelsportalen och börja om.',
  },
  en: {
    title: 'Choose who you are',
    lead: 'This is a practice e-ID. Everyone here is made up.',
    patients: 'Patients',
    relatives: 'Family members',
    staff: 'Staff',
    cancel: 'Cancel the log-in',
    error: 'The log-in could not go on',
    errorHelp: 'Go back to Hjälpmedelsportalen and start again.',
  },
};
export const GROUPS = ['patients', 'relatives', 'staff'];

function escape(text) {
  const entities = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return String(text).replace(/[&<>"']/g, (character) => entities[character]);
}

function language(uiLocales) {
  const wanted = String(uiLocales ?? '').split(' ').map((tag) => tag.slice(0, 2).toLowerCase());
  return wanted.find((tag) => tag in WORDS) ?? 'sv';
}

// Labels and descriptions are either one string or one per language.
function inLanguage(text, lang) {
  return escape(typeof text === 'object' && text !== null ? text[lang] ?? text.sv : text ?? '');
}

function page(lang, title, main) {
  return `<!DOCTYPE html>
<html lang="${lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} – Hjälpmedelsportalen</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<main>
${main}
</main>
</body>
</html>
`;
}

function personButton(person, lang) {
  return `<li><button type="submit" name="person" value="${escape(person.id)}">`
    + `<span class="name">${inLanguage(person.label, lang)}</span> `
    + `<span class="shows">${inLanguage(person.description, lang)}</span></button></li>`;
}

export function pickerPage(people, uiLocales) {
  const lang = language(uiLocales);
  const words = WORDS[lang];
  const sections = GROUPS.map((group) => {
    const members = people.filter((person) => person.group === group);
    if (!members.length) return '';
    return `<section aria-labelledby="${group}">
<h2 id="${group}">${words[group]}</h2>
<ul>
${members.map((person) => personButton(person, lang)).join('\n')}
</ul>
</section>`;
  });
  return page(lang, words.title, `<h1>${words.title}</h1>
<p class="lead">${words.lead}</p>
<form method="post">
${sections.filter(Boolean).join('\n')}
<p><button class="cancel" type="submit" name="cancel" value="yes">${words.cancel}</button></p>
</form>`);
}

export function errorPage(reason) {
  const words = WORDS.sv;
  return page('sv', words.error, `<h1>${words.error}</h1>
<p class="lead">${words.errorHelp}</p>
${reason ? `<p lang="en"><small>${escape(reason)}</small></p>` : ''}`);
}

export const stylesheet = `
*, ::before, ::after { box-sizing: border-box; }
body { margin: 0; background: #faf7f2; color: #17262b; font: 1.125rem/1.5 system-ui, sans-serif; }
main { max-width: 64rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .5rem; }
h2 { font-size: 1.25rem; margin: 2rem 0 .75rem; }
.lead { margin: 0; max-width: 40rem; }
ul { list-style: none; margin: 0; padding: 0; display: grid; gap: .75rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 18rem), 1fr)); }
li { display: flex; }
button { font: inherit; color: inherit; text-align: left; cursor: pointer; min-height: 3.5rem; }
li button { width: 100%; padding: .875rem 1rem; background: #fff; border: 1px solid #7c8d92; border-radius: .75rem; }
li button:hover { border-color: #0d5160; background: #eef5f5; }
button:focus-visible { outline: 3px solid #0d5160; outline-offset: 3px; }
.name { display: block; font-weight: 600; color: #0d5160; }
.shows { display: block; font-size: 1rem; }
.cancel { margin-top: 2rem; padding: 0; background: none; border: 0; text-decoration: underline; }
@media (prefers-color-scheme: dark) {
  body { background: #10191c; color: #eef3f3; }
  li button { background: #18262a; border-color: #7c8d92; }
  li button:hover { background: #20343a; border-color: #9fd3dd; }
  .name { color: #9fd3dd; }
  button:focus-visible { outline-color: #9fd3dd; }
}
`;
