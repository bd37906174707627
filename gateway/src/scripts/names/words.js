// ---- words: how a status is called ---------------------------------------------------------------------

const STATUSES = ["active", "idle", "away", "dnd", "meeting", "offline", "unknown"];
/** The statuses in their order, then the word for a mobile client. */
const WORDS = {
  en: ["Available", "Not at the computer", "Away", "Do not disturb", "In a meeting", "Offline", "Status unknown", "mobile"],
  de: ["Verfügbar", "Nicht am Computer", "Abwesend", "Bitte nicht stören", "In einer Besprechung", "Offline", "Status unbekannt", "mobil"],
  fr: ["Disponible", "Pas devant l’ordinateur", "Absent", "Ne pas déranger", "En réunion", "Hors ligne", "Statut inconnu", "mobile"],
  es: ["Disponible", "No está ante el ordenador", "Ausente", "No molestar", "En una reunión", "Sin conexión", "Estado desconocido", "móvil"],
  it: ["Disponibile", "Non al computer", "Assente", "Non disturbare", "In riunione", "Non in linea", "Stato sconosciuto", "mobile"],
  nl: ["Beschikbaar", "Niet achter de computer", "Afwezig", "Niet storen", "In een vergadering", "Offline", "Status onbekend", "mobiel"],
  pt: ["Disponível", "Longe do computador", "Ausente", "Não incomodar", "Em reunião", "Offline", "Estado desconhecido", "móvel"],
  ja: ["連絡可能", "コンピューターから離れています", "離席中", "取り込み中", "会議中", "オフライン", "状況不明", "モバイル"],
};

/** `language`: a tag such as `de-AT`; otherwise the page's, then the browser's. */
function statusWord({ status, mobile }, language) {
  const tags = [language, document.documentElement.lang, navigator.language, "en"];
  const words = WORDS[tags.map((tag) => tag?.slice(0, 2).toLowerCase()).find((tag) => Object.hasOwn(WORDS, tag ?? ""))];
  const word = words[STATUSES.indexOf(status)] ?? words[6];
  return mobile ? `${word} (${words[7]})` : word;
}
