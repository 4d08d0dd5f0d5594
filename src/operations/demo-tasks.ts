import type { Content } from '../repositories/task-values.js'
import { taskLimits } from '../schemas/tasks.js'

/** One of the tasks of the demo account: what is in it, whether it is done, and how old it is. */
export interface DemoTask extends Content { done: boolean, daysOld: number }

/** Titles as people write them: several scripts, both directions, combining characters, emoji, what looks like code. */
const TITLES = [
  'Buy milk', 'Call grandma', 'Renew the passport', 'Water the plants 🌱', 'Book a table for six', 'Return the library books',
  'Fix the bicycle (rear brake)', 'Plan the summer holidays ☀️', 'Pay the electricity bill', 'Write to Zoë & Björn',
  'Straße kehren und Äpfel pflücken', 'Réserver un hôtel près de l’océan', 'Comprar pan y café', 'Kupić bilety do Łodzi',
  'Купить хлеб', 'Να γράψω στον Όμηρο', '買い物:牛乳と卵', '给奶奶打电话', '우유 사기', 'सब्ज़ी लाना', 'ซื้อนม',
  'לקנות חלב', 'شراء الحليب', 'Plan 🏖️ with 👩‍👩‍👧‍👦', 'Cafe\u0301 with a combining accent', '100% done, at last_', '<b>Not bold</b>',
  "Robert'); DROP TABLE tasks;--", 'C:\\temp\\clean up', 'ﬁne ligatures, ＦＵＬＬ ｗｉｄｔｈ'
]

const DESCRIPTIONS = [
  null, 'Two litres', 'By phone, not by mail.\nShe is at home after six.', 'See https://example.com/?a=1&b=2#c', '',
  '• one\n• two\n\t• and a half', 'Wichtig: vor Freitag! Später geht es nicht mehr.', '午前中に', '🙂🙃'
]

/** As long as a text may be, in code points of four bytes in UTF-8. */
const longest = ({ maxLength }: { maxLength: number }, text: string) => [...text.repeat(maxLength)].slice(0, maxLength).join('')

const LONG_TITLE = longest(taskLimits.title, 'As long as a title may be 🧵 ')
const LONG_DESCRIPTION = longest(taskLimits.description, 'Many words, and many more, until there is no room left. 🧵\n')

/** Milliseconds of a day. */
export const DAY = 86_400_000

/** @returns that many days from now, as a day of the calendar in UTC */
const dayFromNow = (days: number, now: number) => new Date(now + days * DAY).toISOString().slice(0, 10)

/**
 * The tasks of the demo account, the same each time but for their days: a third is done, a half is due (before today, today,
 * soon, or in a year), each fifth is up to two years old.
 * @param count how many
 * @param now milliseconds since 1970
 */
export const demoTasks = (count: number, now: number): DemoTask[] => Array.from({ length: count }, (_, i) => ({
  title: i % 40 === 7 ? LONG_TITLE : `${TITLES[i % TITLES.length]!}${i < TITLES.length ? '' : ` (${Math.floor(i / TITLES.length) + 1})`}`,
  description: i % 40 === 11 ? LONG_DESCRIPTION : DESCRIPTIONS[i % DESCRIPTIONS.length]!,
  dueDate: i % 2 === 0 ? null : dayFromNow([-30, -1, 0, 1, 3, 14, 365][i % 7]!, now),
  done: i % 3 === 2,
  daysOld: i % 5 === 4 ? 1 + (i * 37) % 730 : 0
}))
