// What the rules of needs-info fire on and what they leave alone, by hand-made examples of everyday requests.

import { describe, expect, test } from 'vitest'
import { readFileSync } from 'node:fs'
import { subjectOf, type Subject } from '../../src/classifier/contract.ts'
import { needsInfo } from '../../src/classifier/needs-info.ts'

const of = (prompt: string, beside: Partial<Subject> = {}) => needsInfo(subjectOf(prompt, beside))

const ABSENT = [
  'Summarize this article.',
  'Can you summarize this document for me?',
  'Please proofread my essay.',
  'Fix this code',
  'Could you review this contract and tell me the risks?',
  "What's wrong with this code?",
  'What does this function do?',
  'Explain the code below.',
  'What does the code below do?',
  'Translate the following text into French:',
  'Translate this letter to Spanish, please',
  'Summarize the above.',
  'Rewrite the above paragraph in simpler words',
  'Check the attached invoice for mistakes.',
  'I have attached my resume, please improve it for a sales job.',
  'Please go through the attached spreadsheet and find the biggest expense',
  'Analyze the spreadsheet I uploaded',
  'Is this contract valid?',
  'Is this clause enforceable?',
  'Interpret this ECG for me.',
  "Why doesn't my code work?",
  'Why is my formula not working?',
  'Hello! Please shorten this email.',
  'Correct this sentence, please.',
  'Give me a summary of this paper',
  'Take a look at this report and list the open points',
  'Can you debug my script?',
  'Explain this diagram to me in plain English',
  'Convert this table to CSV',
  'Extract the dates from this email',
  'Describe this image.',
  'Review my CV for a nursing position',
  'Translate the document I shared into English',
  'See attached.',
  "I've attached the report, what do you think of the tone?",
  'Can you read this letter and explain what the hospital wants from me?',
  'Fasse diesen Text zusammen.',
  'Kannst du bitte diesen Vertrag prüfen?',
  'Übersetze diesen Brief ins Englische, bitte.',
  'Résume ce texte en trois phrases.',
  'Traduis cette lettre en anglais',
  'Corrige este correo, por favor.',
  'Resume este documento en cinco puntos',
]

const SLOTS = [
  'Write a blog post about {{topic}}.',
  'Summarize {{article}} in three sentences.',
  'You are an expert in {{industry}}. Answer the question of the customer: {{question}}',
  'Translate {{text}} into German',
  'Write an essay about {topic} for high school students.',
  'Answer this question in one line: {question}',
  'Write a poem about [INSERT TOPIC].',
  'Write a cover letter for the position of [insert job here] at a bank.',
  'Create a marketing plan for [your product]',
  'Summarize the following article: [paste article here]',
  'Explain [TOPIC] like I am five.',
  'Give me ten titles on [KEYWORD]',
  'Give feedback on my idea: [insert idea]',
  'Act as a lawyer. My case: <your text here>',
  'Review this contract: <paste contract here>',
  'Proofread: <insert text here>',
  'Correct the following text: <INSERT_TEXT_HERE>',
  'Write a birthday poem for ___ (fill in the name)',
  'My symptoms are ______ (please fill in). What could it be?',
  'Debug this function (paste your code here)',
  'Write a product description for "{{product}}" in a playful voice',
  'Generate a SQL query that answers {{user_query}} on our sales table.',
  'Schreibe einen Aufsatz über [Thema hier einfügen].',
  'Écris un poème sur [insérer le sujet ici]',
  'Escribe un correo sobre [insertar el tema aquí]',
]

const NO_OBJECT = [
  'fix it',
  'Fix it please!',
  'translate',
  'Translate to French',
  'summarize this',
  'Summarise it.',
  'explain',
  'explain this',
  'rewrite that',
  'Make it shorter',
  'make it better',
  'continue',
  'Try again.',
  'proofread this',
  'Can you fix this?',
  'debug it',
  'Please improve it',
  'Korrigiere das bitte',
  'Fasse das zusammen',
  'übersetze das',
  'Traduis ça',
  'Résume ça, merci',
  'Traduce esto',
  'explica esto',
]

const CLEAR = [
  // nothing is missing: the thing stands there
  'Summarize this article: The town council met on Monday and decided to close the old bridge for repairs.',
  'Fix this code:\nfor i in range(10) print(i)',
  'Explain the code below.\n\nx = [i * i for i in range(3)]',
  'Is this sentence correct? He go to school yesterday.',
  'Translate this sentence I am very hungry',
  'Rewrite the following sentence in passive voice the cat ate the mouse',
  'Translate the following text into French: Good morning, how are you?',
  'What does this function do? def f(x): return x + 1',
  'Proofread my essay: My summer was grate and I swum a lot.',
  'What does the phrase "see attached" mean?',
  'Correct this sentence: me and him goes to work',
  'Explain this concept to me: supply and demand',
  'Summarize https://example.com/article',
  'What does `this function` mean in JavaScript?',
  'Übersetze diesen Satz ins Englische: Ich bin müde.',
  'Corrige cette phrase : je suis allé à le marché',
  'Traduce este texto al inglés: Mañana no puedo ir.',
  'translate this text to german good morning',
  'fix this sentence please him go home',
  'Translate this message: see you at eight',
  'Explain this: why is the sky blue',
  // speaks about letters, files, contracts
  'Write an email saying that the attached invoice has been paid.',
  'Draft a reply that says I have attached the report.',
  'How do I open the attached file in Outlook?',
  'How do I summarize a long article?',
  'What should be in a lease for a flat?',
  'How can I improve my resume?',
  'Is this a good time to buy a house?',
  'What is the difference between a contract and an agreement?',
  'Where do I find my log files on a Mac?',
  'Write a function that reads a file and prints each line',
  'How do I write this essay about the French Revolution in a week?',
  'Explain the code of Hammurabi',
  'Describe the image of women in Victorian novels',
  'Explain this year in politics',
  'Is this email of any use to a scammer who only knows my name?',
  'Can a landlord change the locks?',
  'Why does my knee hurt after running?',
  'What does the law say about barking dogs?',
  'Why is my cat not eating?',
  'Explain the paragraph symbol in Word',
  'Check whether 91 is a prime number',
  'Explain photosynthesis',
  'Fix my sleep schedule',
  'Translate hello',
  'translate "it" into German',
  'Explain recursion',
  'Define entropy',
  'Tell me a joke',
  'Help!',
  'Stop',
  'Thanks',
  'Go away',
  'Hello there',
  'What is this?',
  'Was ist das Gesetz der großen Zahlen?',
  'Schreib mir einen kurzen Brief an meinen Vermieter',
  'Explique la Révolution française',
  'Explica la fotosíntesis',
  'Comment résumer un texte ?',
  // brackets that are no slots
  'The capital of France is ____.',
  'Fill in the blank: She ___ (go) to school every day.',
  'Simplify \\frac{{a}}{{b}} when a = 2b.',
  'Solve for $x$: $x^{{2}} = 9$',
  'Why does {{ user.name }} show nothing in my Vue component?',
  'Write a mustache template that greets {{name}}',
  'In Python, what does f"{topic}" print when topic is None?',
  'What does the following print? `print("{topic}".format(topic=1))`',
  'What is the type of List<String> in Java?',
  'Why is <text> not shown in my SVG?',
  'Explain std::vector<input> to me',
  'Translate to German and keep the markers: Hello {{first_name}}, your order has shipped.',
  'Return JSON like {"topic": string, "text": string}',
  'What is the derivative of [x^2 + 1]?',
  'Why does list[topic] raise a KeyError?',
  'Make a link like [text](https://example.com) in my notes',
  'Proofread this letter. Dear Sir, I would like to apply for the job. Sincerely, [Your Name]',
  'Why does curl -H "Authorization: Bearer <your api key>" answer 401?',
  'Redacted statement: [NAME] went to [LOCATION] on [DATE]. Who was where?',
  'How do I use {{ .Values.image }} in a Helm chart?',
  'Which set is larger: {text} or {a, b}?',
  'Press [Insert] to overwrite. How do I turn this off?',
  'In ```\nHello {{topic}}\n``` what is the double brace for?',
  'Why do arcade machines show [INSERT COIN] all the time?',
  'What does <Enter your PIN> on a card reader mean for chip cards?',
  'If A = {1, 2, 3} and B = {2, 3}, what is A minus B?',
  'See section 4 (insert after paragraph 2) and tell me what "insert" means in statutes.',
]

describe('fires', () => {
  test.each(ABSENT)('absent: %s', (prompt) => expect(of(prompt)).toBe('absent-reference'))
  test.each(SLOTS)('slot: %s', (prompt) => expect(of(prompt)).toBe('template-slot'))
  test.each(NO_OBJECT)('no object: %s', (prompt) => expect(of(prompt)).toBe('no-object'))
})

describe('leaves alone', () => {
  test.each(CLEAR)('%s', (prompt) => expect(of(prompt)).toBeNull())

  test.each(['plain-hard', 'plain-easy'])('%s', (name) => {
    const prompts = readFileSync(new URL(`../fixtures/classifier/${name}.jsonl`, import.meta.url), 'utf8')
      .trim()
      .split('\n')
      .map((line): string => JSON.parse(line).prompt)
    expect(prompts).toHaveLength(100)
    expect(prompts.filter((prompt) => of(prompt) !== null)).toEqual([])
  })

  test('what comes later in a conversation or with something beside it', () => {
    for (const prompt of ['Summarize this article.', 'fix it']) {
      expect(of(prompt)).not.toBeNull()
      for (const beside of [
        { turns: 2 },
        { attachments: 1 },
        { tools: 3, toolBytes: 900 },
        { format: 'schema' },
        { system: 'You translate whatever the user writes into Dutch.' },
        { system: `You answer questions on this handbook. ${'Holidays are decided by the team. '.repeat(10)}` },
      ] as const)
        expect(of(prompt, beside)).toBeNull()
      expect(of(prompt, { system: 'You are a helpful assistant.' })).not.toBeNull()
    }
    expect(of('Write about {{topic}}', { turns: 1 })).toBeNull()
  })
})

describe('long texts', () => {
  const prose = 'The meeting began at nine and nobody had read the minutes of the last one. '

  test('a slot at either end is seen, one in the middle of a very long text is not looked for', () => {
    const long = prose.repeat(400)
    expect(of(`${long}\nAnswer the question: {{question}}`)).toBe('template-slot')
    expect(of(`About {{topic}}.\n${long}`)).toBe('template-slot')
    expect(of(`${long}{{topic}} ${long}`)).toBeNull()
    expect(of(`Write a template. ${long}{{name}}`)).toBeNull()
  })

  test('blanks of a pasted form are its own', () => {
    expect(of(`Look for risks in this lease: ${prose.repeat(30)} The rent is due on [insert day of month].`)).toBeNull()
  })

  test('work is bounded whatever is sent', () => {
    const hostile = [
      '{'.repeat(1e6),
      '{{ '.repeat(3e5),
      '[insert '.repeat(1e5),
      '_'.repeat(1e6),
      '<'.repeat(1e6),
      `fix ${' '.repeat(1e6)}`,
      '"'.repeat(1e6),
      '(your '.repeat(1e5),
      '\\a'.repeat(5e5),
      '$'.repeat(1e6),
    ]
    for (const prompt of hostile) of(prompt) // compiled
    const start = performance.now()
    for (const prompt of hostile) of(prompt)
    expect(performance.now() - start).toBeLessThan(200)
  })
})
