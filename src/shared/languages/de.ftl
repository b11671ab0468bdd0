# Deutsch. Anrede: Sie. Eine Facebook-Page heißt Seite, eine conversation Unterhaltung.

date = { $day }. { $month ->
    [1] Jan.
    [2] Feb.
    [3] März
    [4] Apr.
    [5] Mai
    [6] Juni
    [7] Juli
    [8] Aug.
    [9] Sept.
    [10] Okt.
    [11] Nov.
   *[12] Dez.
  } { $year }
moment = { $day }. { $month ->
    [1] Jan.
    [2] Feb.
    [3] März
    [4] Apr.
    [5] Mai
    [6] Juni
    [7] Juli
    [8] Aug.
    [9] Sept.
    [10] Okt.
    [11] Nov.
   *[12] Dez.
  } { $year }, { $clock } UTC
day = { $weekday ->
    [1] Montag
    [2] Dienstag
    [3] Mittwoch
    [4] Donnerstag
    [5] Freitag
    [6] Samstag
   *[7] Sonntag
  }, { $day }. { $month ->
    [1] Januar
    [2] Februar
    [3] März
    [4] April
    [5] Mai
    [6] Juni
    [7] Juli
    [8] August
    [9] September
    [10] Oktober
    [11] November
   *[12] Dezember
  } { $year }
date-in-full = { $day }. { $month ->
    [1] Januar
    [2] Februar
    [3] März
    [4] April
    [5] Mai
    [6] Juni
    [7] Juli
    [8] August
    [9] September
    [10] Oktober
    [11] November
   *[12] Dezember
  } { $year }
just-now = gerade eben
minutes-ago = { $count ->
    [one] vor einer Minute
   *[other] vor { $count } Minuten
  }
hours-ago = { $count ->
    [one] vor einer Stunde
   *[other] vor { $count } Stunden
  }
yesterday = gestern
days-ago = { $count ->
    [one] vor einem Tag
   *[other] vor { $count } Tagen
  }
in-a-moment = gleich
in-minutes = { $count ->
    [one] in einer Minute
   *[other] in { $count } Minuten
  }

skip = Zum Inhalt springen
main-navigation = Hauptmenü
overview = Übersicht
conversations = Unterhaltungen
catalogue = Katalog
keys = Schlüssel
account = Konto
pages = Seiten
breadcrumb = Pfad
times-are-utc = Zeiten in UTC.
language = Sprache
language-change = Sprache ändern
search = Suchen
you = Sie
bot = Bot
back-to-start = Zurück zur Startseite
to-start = Zur Startseite

connected = Verbunden
connected-in-part = Teilweise verbunden
not-connected = Nicht verbunden
cannot-answer = Kann nicht antworten
log-in-again = Bitte neu anmelden

welcome-title = Jede Unterhaltung und der ganze Katalog, immer griffbereit
welcome = shoptalk verbindet Ihren Shop mit Ihrer Seite und hält für Ihren Verkaufsbot bereit, was Ihre Kunden schreiben und was Sie verkaufen.
no-platform = Es ist noch keine Plattform eingerichtet. Alle Einstellungen sind in { $file } erklärt.
step = Schritt { $number }:
after-first-step = Kommt nach dem ersten Schritt.
connect = Verbinden
connect-another = Weiteren Shop verbinden
connect-another-account = Weiteres Konto verbinden
still-to-connect = Noch zu verbinden
sign-out = Abmelden
session-ended = Ihre Sitzung ist abgelaufen. Verbinden Sie Ihren Shop erneut, um sich anzumelden; es ist nichts verloren.
session-closed = Sie sind hier abgemeldet. Ihre Konten bleiben verbunden.
read-again = Alles wird neu eingelesen.
all-connected = Alles ist verbunden. Neue Nachrichten und Änderungen am Katalog kommen von selbst.
all-well = Neue Nachrichten und Änderungen am Katalog kommen von selbst.
being-finished = Verbunden. Etwas fehlt noch und kommt von selbst nach.
accounts-need-you = { $count ->
    [one] Ein Konto braucht Ihre Hilfe.
   *[other] { $count } Konten brauchen Ihre Hilfe.
  }
latest-conversations = Neueste Unterhaltungen
all-conversations = Alle Unterhaltungen
nobody-has-written = Es hat noch niemand geschrieben. Sobald sich ein Kunde meldet, erscheint die Unterhaltung hier.
disconnected = Getrennt
is-disconnected = { $platform } ({ $noun } { $account }) ist getrennt.
connect-again = { $platform } wieder verbinden
last-event = Letztes Ereignis
none-yet = noch keines
last-read = Zuletzt vollständig eingelesen
not-yet = noch nicht
connected-since = Verbunden
sync-now = Jetzt synchronisieren
disconnect = Trennen
log-in-to-again = Neu bei { $platform } anmelden
answers-not-sent = Antworten werden nicht gesendet. { $why }
nobody-has-to = Sie müssen nichts tun.
login-not-accepted = { $platform } akzeptiert die gespeicherte Anmeldung nicht mehr.
still-taken-in = Neue Nachrichten werden weiterhin angenommen.
not-notified = { $platform } benachrichtigt uns nicht über: { $what }. Wir versuchen es jede Stunde wieder; bis dahin füllt das Einlesen die Lücken.
reading-given-up = Das Einlesen ist mehrmals fehlgeschlagen und wurde aufgegeben. „Jetzt synchronisieren“ versucht es erneut.
reading-failed = Das letzte Einlesen ist fehlgeschlagen. Nächster Versuch { $when }.
reading = Wird eingelesen: { $what }
reading-of = Wird eingelesen: { $what } ({ $done } von { $known })
reading-so-far = Wird eingelesen: { $what } (bisher { $done })
reading-begins = Das Einlesen beginnt gleich.
reading-incomplete = Das Einlesen ist unvollständig: { $why }
reading-pauses = Das Einlesen pausiert: { $why }
to-come = Noch ausstehend: { $what }. { $why }

account-of = { $platform } · { $noun }
noun-page = Seite
noun-instagram = Instagram-Konto
noun-shop = Shop
noun-number = Nummer
noun-bot = Bot
noun-linkedin = Seite

what-products = Produkte
what-variants = Varianten
what-stock = Lagerbestand
what-discounts = Rabatte
what-collections = Kollektionen
what-changed-products = geänderte Produkte
what-shop = Shop
what-products-by-page = Produkte, Seite für Seite, weil der Export von Shopify fehlgeschlagen ist
what-conversations = Unterhaltungen
what-older-ids = IDs älterer Nachrichten
what-page-metadata = Angaben zur Seite

disconnect-question = { $name } trennen?
disconnect-tells = { $platform } meldet uns nichts mehr; wir bitten darum und prüfen es nach.
disconnect-erases = Die gespeicherte Anmeldung wird gelöscht, und es wird nichts mehr eingelesen.
disconnect-keeps = Unterhaltungen und Dateien, die schon hier sind, bleiben. „Meine Daten löschen“ unter Konto löscht sie.
disconnect-again = Sie können die Verbindung jederzeit wiederherstellen ({ $noun }).
keep-connected = Verbunden lassen
disconnected-checked = Getrennt. { $platform } wurde danach gefragt und meldet uns hierzu nichts mehr ({ $noun }).
disconnected-with-another = Getrennt. Solange das zugehörige Konto verbunden ist, erfahren wir noch davon ({ $noun }); das wird beiseitegelegt und nirgends gezeigt.
disconnected-unconfirmed = Getrennt: Unsere Anmeldung ist gelöscht, und es wird nichts mehr eingelesen. { $platform } hat aber nicht bestätigt, dass uns nichts mehr gemeldet wird ({ $noun }). { $part } Was noch eintrifft, wird beiseitegelegt und nirgends gezeigt.
part-facebook = Öffnen Sie bei Facebook Einstellungen → Business-Integrationen und entfernen Sie diese App.
part-shopify = Öffnen Sie bei Shopify Einstellungen → Apps und Vertriebskanäle und deinstallieren Sie diese App.
part-whatsapp = Öffnen Sie im WhatsApp Manager den Systemnutzer der App und entziehen Sie ihm den Zugriff auf das WhatsApp-Konto.
part-viber = Fordern Sie bei Viber ein neues Token für den Bot an; damit verliert das alte seine Gültigkeit.
part-linkedin = Öffnen Sie bei LinkedIn Einstellungen → Datenschutz → Zugelassene Dienste und entfernen Sie diese App.
needs-login-first = Dieses Konto braucht eine neue Anmeldung, bevor es eingelesen werden kann.

sign-out-means = Beendet Ihre Sitzung in diesem Browser. Ihre Konten bleiben verbunden, Nachrichten treffen weiter ein. Um zurückzukehren, verbinden Sie Ihren Shop erneut.
export = Meine Daten exportieren
export-means = Alles, was zu Ihren Konten gespeichert ist, als eine ZIP-Datei: Unterhaltungen, Katalog, Kopien von Anhängen und die Verbindungen.
export-under-way = Ihre Daten werden bereits exportiert. Bitte warten Sie, bis das fertig ist.
delete = Meine Daten löschen
delete-more = Meine Daten löschen …
delete-means = Trennt alle Konten und löscht, was dazu gespeichert ist: Anmeldungen, Unterhaltungen, Katalog, Dateien.
delete-question = Alle meine Daten löschen?
delete-concerns = Das lässt sich nicht rückgängig machen. Betroffen sind:
not-connected-any-more = { $account } (nicht mehr verbunden)
delete-receipt = Sie erhalten die Adresse einer Quittung, die zeigt, wann es erledigt ist; sie nennt niemanden.
delete-word = löschen
delete-type = Geben Sie „{ $word }“ ein, um fortzufahren
delete-not-typed = Das war nicht „{ $word }“. Es wurde nichts gelöscht.
delete-everything = Alles löschen
keep-data = Daten behalten

request = Ihre Anfrage
receipt-nothing = Zu dieser Anfrage wurde nichts gefunden, es gab also nichts zu löschen. Solche Anfragen nennen die Person, die hier ein Konto verbunden hat; Nachrichten, die jemand an die Seite eines Shops geschickt hat, bewahrt dieser Shop auf.
receipt-disconnected = Die Konten wurden getrennt: Ihr Zugriff ist gelöscht, und es wird nichts mehr eingelesen.
receipt-erased = Alles, was zu dieser Anfrage gehört, wurde aus Datenbanken und Dateien gelöscht.
receipt-under-way = Die Daten werden gelöscht. Das dauert einige Minuten und nie länger als einen Tag.
receipt-unconfirmed = { $platform } hat nicht bestätigt, dass uns nichts mehr gemeldet wird ({ $noun }). { $part }
receipt-code = Code: { $code }
receipt-received = Eingegangen
receipt-done = Erledigt
receipt-events = Gelöschte Nachrichten und andere Ereignisse
receipt-files = Gelöschte Dateien
receipt-objects = Gelöschte Kopien im Objektspeicher
receipt-connections = Beendete Verbindungen
receipt-keep = Diese Seite nennt niemanden. Bewahren Sie den Code auf, wenn Sie später wiederkommen möchten.

no-conversations = Noch ist kein Konto mit Unterhaltungen verbunden. { $link }, und was Kunden schreiben, erscheint hier.
connect-one = Verbinden Sie eines
accounts = Konten
with-on = mit { $name } auf { $platform }
search-conversations = Nach Name, Text oder ID suchen
nobody-has-written-list = Es hat noch niemand geschrieben. Sobald sich ein Kunde meldet, erscheint die Unterhaltung hier, die neueste zuerst.
no-more-conversations = Es gibt keine weiteren Unterhaltungen.
back-to-newest = Zurück zu den neuesten
newest = Neueste
older-conversations = Ältere Unterhaltungen
people = Personen
messages = Nachrichten
nothing-found = Nichts gefunden für „{ $words }“.
nothing-found-so-far = Bisher nichts gefunden für „{ $words }“.
show-all-conversations = Alle Unterhaltungen zeigen
searched-back-to = Durchsucht bis { $date }.
search-further = Weiter zurück suchen
you-said = Sie:
older-than-kept = Älter als das, was hier aufbewahrt wird; in der Datei des Kontos ist es enthalten
messages-word = { $count ->
    [one] Nachricht
   *[other] Nachrichten
  }

person-on = { $person } auf { $platform }
earlier-messages = Frühere Nachrichten
newest-messages = Neueste Nachrichten
messages-older-than-kept = Diese Nachrichten sind älter als das, was hier aufbewahrt wird; in der Datei der Unterhaltung sind sie enthalten.
a-message = Eine Nachricht
message-unsent = Nachricht zurückgenommen
invisible-message = Eine Nachricht ohne sichtbaren Text
earlier-message = Eine frühere Nachricht
answers-message = Antwort auf:
show-whole = Ganze Nachricht zeigen
media-from = { $media } von { $name }
from-you = Ihnen
edited = bearbeitet
read = gelesen
you-reacted = Sie:
reacted = reagiert
they-reacted = Reaktion:

media-photo = Foto
media-video = Video
media-voice = Sprachnachricht
media-sound = Audio
media-file = Datei
media-sticker = Sticker
media-reel = Geteiltes Reel
media-post = Geteilter Beitrag
media-story = Story
media-link = Geteilter Link
media-card = Karte
media-appointment = Termin
media-place = Ort
media-contact = Kontakt
media-order = Bestellung
media-attachment = Anhang
media-not-shown = Eine Art von Nachricht, die { $platform } Apps nicht zeigt
media-unknown = Eine Art von Nachricht, die hier nicht bekannt ist
how-button = Hat eine Schaltfläche gedrückt
how-referral = Kam über einen Link oder eine Anzeige
how-optin = Möchte Nachrichten erhalten
how-order = Hat eine Bestellung gesendet
how-product = Hat nach einem Produkt gefragt
how-template = Hat eine Vorlage gesendet
how-mention = Hat die Seite in einem Beitrag erwähnt
note-handed-over = Die Unterhaltung wurde einer anderen App übergeben
note-taken-over = Eine andere App hat die Unterhaltung übernommen
note-asked-for = Eine andere App möchte die Unterhaltung übernehmen
note-account-linking = Die Person hat ein Konto verknüpft oder die Verknüpfung beendet
note-policy = Facebook hat gegenüber der Seite eine Richtlinie durchgesetzt
note-not-reached = Eine Nachricht hat die Person nicht erreicht
note-subscribed = Die Person hat abonniert
note-unsubscribed = Die Person hat das Abo beendet
note-opened = Die Person hat den Chat geöffnet
note-number-changed = Nummer oder ID der Person hat sich geändert
note-call = Ein Anruf
note-passed-here = Die Unterhaltung wurde dieser App übergeben
note-meta-agent = Ab hier antwortet der Agent von Meta
note-people-elsewhere = Ab hier antwortet das Team des Unternehmens an anderer Stelle
note-other-partner = Ab hier antwortet ein anderer Partner des Unternehmens
note-like = Jemandem gefällt der Beitrag
note-share = Jemand hat den Beitrag geteilt

answer = Antworten
your-message = Ihre Nachricht
send = Senden
sent-from-here = Von hier gesendet
sent-by-at = { $by }, { $moment }: { $state }
state-accepted = wird noch gesendet
state-sent = gesendet
state-delivered = zugestellt
state-read = gelesen
state-failed = konnte nicht gesendet werden
state-unknown = vielleicht gesendet; das wird gerade geklärt
not-sent = Nicht gesendet
not-sent-window = Die Antwortfrist der Plattform ist abgelaufen. Sie beginnt neu, wenn die Person schreibt.
not-sent-cannot-receive = Dieser Person kann zurzeit nicht geschrieben werden.
not-sent-blocked = Die Plattform lässt das Konto zurzeit nicht senden. In der Übersicht steht, warum.
not-sent-account = Das Konto kann zurzeit nicht senden. Verbinden Sie es in der Übersicht neu.
not-sent-queue = Für diese Person warten schon zu viele Nachrichten. Bitte versuchen Sie es später noch einmal.
not-sent-form = Dieses Formular wurde schon für eine andere Nachricht benutzt. Bitte gehen Sie zurück und laden Sie die Seite neu.
not-sent-content = Diese Nachricht kann so nicht gesendet werden.
not-sent-human-window = Antworten von Menschen nach Ablauf der Antwortfrist sind für diesen Kanal nicht eingeschaltet.
not-sent-public = Antworten sind dort öffentlich, und Antworten von Bots sind für diesen Kanal nicht eingeschaltet.
not-sent-linkedin-partner = LinkedIn lässt nur Messaging-Partner Direktnachrichten senden; LINKEDIN_MESSAGES=partner sagt, dass diese App einer ist.
not-sent-linkedin-automatic = LinkedIn verbietet automatische Direktnachrichten: Nur was ein Mensch schreibt, darf gesendet werden.
becomes-comment = Ihre Antwort wird ein Kommentar der Seite, den alle lesen können.
your-message-was = Ihre Nachricht war:
back-to-conversation = Zurück zur Unterhaltung
reason-expired = abgelaufen
reason-window-closed = Antwortfrist abgelaufen
reason-cannot-receive = Person nicht erreichbar
reason-refused = abgelehnt
reason-media-unusable = Datei nicht verwendbar
reason-template-unusable = Vorlage nicht verwendbar
reason-account-unavailable = Konto nicht verfügbar
reason-not-owner = eine andere App antwortet
reason-paused = pausiert
reason-stopped = abgebrochen
reason-taken-back = zurückgenommen
reason-rate = zu viele Nachrichten
reason-unresolved = ungeklärt

bots = Bots
bots-resume = Bots wieder antworten lassen
bots-pause = Bots hier pausieren
bots-until = bis { $moment }
bots-until-resumed = bis Sie sie wieder antworten lassen
bots-owner-lost = Eine andere App antwortet in dieser Unterhaltung; Bots schweigen hier, bis sie zurückgegeben wird.
bots-human = Ein Mensch antwortet in dieser Unterhaltung. Bots schweigen hier, { $until }.
bots-app = Eine andere App hat in dieser Unterhaltung geantwortet. Bots schweigen hier, { $until }.
bots-paused = Bots sind hier pausiert, { $until }.
bots-may-answer = Bots dürfen in dieser Unterhaltung antworten.

the-bot = Der Bot
bot-stop = Bot hier anhalten
bot-start = Bot hier antworten lassen
bot-log = Was der Bot getan hat
bot-about = Er antwortet Ihren Kunden dort, wo Sie es erlauben, mit dem, was in Ihrem Katalog steht. Was Kunden schreiben, geht an { $host } (Modell { $model }) und sonst nirgendwohin. Ein- und ausschalten können Sie ihn auf der Karte jedes Kontos in der { $link }.
bot-about-link = Übersicht
bot-spent = Heute (UTC): { $taken } Tokens eingelesen, { $given } ausgegeben, von zusammen { $most }.
bot-try = Eine Frage ausprobieren
bot-question = Was ein Kunde fragen könnte
bot-show-answer = Antwort zeigen
bot-try-hint = Es wird niemandem etwas gesendet. Es kostet Tokens, wie eine Antwort.
bot-did = Was er getan hat
bot-nothing-yet = Noch nichts.
bot-no-tokens = Für heute sind keine Tokens mehr übrig.
bot-too-long = Das Modell hat zu lange gebraucht. Ein Kunde bekäme seine Antwort trotzdem.
bot-would-read = Der Kunde würde lesen:
bot-product-card = Produktkarte: { $title }
bot-would-hand-over = Er würde an Sie übergeben: { $why }
bot-model-later = Das Modell antwortet zurzeit nicht.
bot-model-refuses = Das Modell nimmt keine Fragen an. Der Betreiber dieses Dienstes kann das ändern.
bot-cost = { $taken } Tokens eingelesen, { $given } ausgegeben.
bot-tokens = { $count } Tokens
bot-not-sent = Antwort nicht gesendet
bot-answered = Beantwortet
bot-handed-over = Übergeben
bot-dropped = Nicht beantwortet
bot-answer-accepted = Die Antwort wird noch gesendet.
bot-answer-unknown = Die Antwort wurde vielleicht gesendet; das wird gerade geklärt.
bot-answer-sent = Die Antwort wurde gesendet.
bot-answer-delivered = Die Antwort wurde zugestellt.
bot-answer-read = Die Antwort wurde gelesen.
bot-answer-failed = Die Antwort konnte nicht gesendet werden.
bot-why-outdated = Der Kunde hat noch einmal geschrieben.
bot-why-answered = Es hatte schon jemand geantwortet.
bot-why-paused = Ein Mensch antwortet in dieser Unterhaltung.
bot-why-not-owner = Eine andere App antwortet in dieser Unterhaltung.
bot-why-window = Die Antwortfrist der Plattform war abgelaufen.
bot-why-account = Das Konto konnte nicht senden.
bot-why-cannot-receive = Dieser Person kann nicht geschrieben werden.
bot-why-public = Antworten sind dort öffentlich.
bot-why-not-connected = Das Konto ist nicht verbunden.
bot-why-gone = Die Nachricht ist nicht mehr da.
bot-why-before = Der Bot wurde später eingeschaltet.
bot-neither = Das Formular sagt weder Ja noch Nein.
bot-being-tried = Es wird gerade eine Frage ausprobiert. Bitte warten Sie auf die Antwort und versuchen Sie es dann erneut.

no-shop = Noch ist kein Shop verbunden. { $link }, und seine Produkte erscheinen hier.
shops = Shops
products-in = { $count ->
    [one] { $count } Produkt in { $shop }, das neueste zuerst
   *[other] { $count } Produkte in { $shop }, die neuesten zuerst
  }
search-products = Nach Titel, Anbieter, Tag oder SKU suchen
no-product-found = Kein Produkt gefunden für „{ $words }“.
no-product-found-so-far = Bisher kein Produkt gefunden für „{ $words }“.
show-all-products = Alle Produkte zeigen
catalogue-being-read = Der Katalog wird eingelesen. Er erscheint hier, sobald er vollständig ist; { $link } zeigt, wie weit er ist.
catalogue-being-read-link = die Übersicht
no-products = Dieser Shop hat noch keine Produkte. Ein neues Produkt erscheint hier innerhalb von Sekunden.
from-the-beginning = Von Anfang an
more-products = Weitere Produkte
search-on = Weitersuchen
variants-count = { $count ->
    [one] { $count } Variante
   *[other] { $count } Varianten
  }
untitled-product = Produkt ohne Titel
no-price = Kein Preis
price-from = ab { $price }
stock-not-counted = Bestand nicht erfasst
out-of-stock = Ausverkauft
in-stock = { $count } auf Lager
nothing-to-buy = Zu diesem Produkt gibt es nichts zu kaufen.
variants = Varianten
variant = Variante
sku = SKU
price = Preis
stock = Auf Lager
for-sale = Käuflich
the-product = Das Produkt
price-before = vorher
not-counted = nicht erfasst
yes = Ja
no = Nein
more-variants = und { $count } weitere; in der Datei des Katalogs stehen alle.
product-active = Aktiv
product-draft = Entwurf
product-archived = Archiviert
product-unlisted = Nicht gelistet
product-unknown = Unbekannt

keys-title = Schlüssel für Bots
keys-about = Mit einem Schlüssel liest und beantwortet ein Programm von Ihnen die Nachrichten Ihrer Kunden. Geben Sie jedem Programm einen eigenen.
keys-new = Ihr neuer Schlüssel „{ $name }“
keys-copy = Kopieren Sie ihn jetzt: Er wird nur dieses eine Mal gezeigt.
keys-keep = Bewahren Sie ihn auf wie ein Passwort. Wer ihn hat, kann alles tun, was er darf.
keys-revoked-done = Der Schlüssel ist widerrufen. Er öffnet nichts mehr.
keys-none = Sie haben keine Schlüssel. Kein Programm kann in Ihrem Namen lesen oder antworten.
keys-dead = Nicht mehr in Gebrauch
keys-revoked = Widerrufen
keys-ended = Abgelaufen
keys-in-use = In Gebrauch
keys-all-accounts = Alle Konten
keys-only = Nur { $accounts }
keys-made = Erstellt { $when }
keys-last-used = Zuletzt benutzt { $when }
keys-never-used = Nie benutzt
keys-revoked-on = Widerrufen am { $date }
keys-ended-on = Abgelaufen am { $date }
keys-ends-on = Läuft ab am { $date }
keys-revoke = Widerrufen
keys-make = Schlüssel erstellen
keys-name = Name
keys-name-example = Verkaufsbot
keys-scopes = Was er darf
keys-read = Nachrichten, Unterhaltungen und den Katalog lesen
keys-reply = Als Bot antworten, Unterhaltungen pausieren und fortsetzen
keys-human = Als Mensch antworten: Der Bot schweigt danach eine Weile
keys-admin = Die Adresse wählen, an die Neuigkeiten gesendet werden
keys-accounts = Für welche Konten
keys-accounts-hint = Keines angekreuzt: für alle, auch für die, die Sie später verbinden.
keys-end = Wann er abläuft
keys-end-never = Wenn ich ihn widerrufe
keys-end-days = In { $days } Tagen
keys-end-year = In einem Jahr
keys-wrong = { $why } Es wurde kein Schlüssel erstellt.
keys-wrong-name = Bitte geben Sie dem Schlüssel einen Namen mit höchstens { $most } Zeichen.
keys-wrong-scopes = Bitte kreuzen Sie mindestens eines an, was der Schlüssel darf.
keys-wrong-days = Bitte wählen Sie, wann der Schlüssel abläuft.
keys-wrong-account = Ein angekreuztes Konto ist nicht mehr verbunden. Bitte wählen Sie noch einmal.
keys-wrong-many = Sie haben schon 20 Schlüssel. Bitte widerrufen Sie einen, der nicht mehr gebraucht wird.
keys-revoke-question = { $name } widerrufen?
keys-revoke-at-once = Programme mit diesem Schlüssel werden sofort abgewiesen; was sie offen haben, endet innerhalb von Sekunden.
keys-revoke-stays = Bereits gesendete Nachrichten bleiben.
keys-revoke-final = Das lässt sich nicht rückgängig machen. Einen neuen Schlüssel können Sie jederzeit erstellen.
keys-revoke-this = Diesen Schlüssel widerrufen
keys-revoke-not = Behalten
keys-revoke-title = Schlüssel widerrufen

bad-request = Ungültige Anfrage
not-signed-in = Nicht angemeldet
not-signed-in-detail = Sie sind nicht angemeldet.
not-allowed = Nicht erlaubt
not-found = Nicht gefunden
not-found-detail = Unter dieser Adresse gibt es nichts.
method-not-allowed = Methode nicht erlaubt
method-not-allowed-detail = Diese Adresse kennt diese Methode nicht.
conflict = Konflikt
platform-busy = Die Plattform ist ausgelastet
platform-busy-detail = { $platform } ist ausgelastet und bittet uns zu warten. Es wurde nichts geändert; bitte versuchen Sie es in einigen Minuten noch einmal.
platform-silent = Die Plattform hat nicht geantwortet
platform-silent-detail = { $platform } hat nicht wie erwartet geantwortet. Es wurde nichts geändert; bitte versuchen Sie es in einigen Minuten noch einmal.
unavailable = Nicht verfügbar
not-now = Zurzeit nicht möglich
not-now-detail = Der Dienst kann zurzeit nichts lesen oder speichern. Bitte versuchen Sie es gleich noch einmal.
went-wrong = Etwas ist schiefgegangen
went-wrong-detail = Bei uns ist etwas schiefgegangen. Bitte versuchen Sie es noch einmal.
form-expired = Dieses Formular ist abgelaufen. Bitte gehen Sie zurück, laden Sie die Seite neu und versuchen Sie es noch einmal.
form-of-another-site = Dieses Formular stand auf einer anderen Website.
cannot-store = Der Dienst kann zurzeit nichts speichern.
starting = Der Dienst startet oder wird beendet.
took-too-long = Das hat zu lange gedauert. Bitte versuchen Sie es noch einmal.
refused-method = Nicht möglich
refused-method-detail = Dieser Dienst kennt diese Methode nicht.
refused-long-url = Zu lang
refused-long-url-detail = Diese Adresse ist zu lang.
refused-host-detail = Die Anfrage muss genau einen Host nennen.
refused-compressed = Komprimiert
refused-compressed-detail = Komprimierte Anfragen werden nicht angenommen.
refused-large = Zu groß
refused-large-detail = Diese Anfrage ist zu groß.
refused-unreadable-detail = Die Anfrage brach ab oder konnte nicht gelesen werden.
refused-slow = Zu langsam
refused-slow-detail = Die Anfrage kam nicht rechtzeitig an.
refused-often = Zu oft
refused-often-detail = Das wurde von Ihrer Adresse aus zu oft angefragt. Bitte warten Sie eine Minute.
refused-busy = Ausgelastet
refused-busy-detail = Der Dienst ist ausgelastet. Bitte versuchen Sie es gleich noch einmal.
form-incomplete = Im Formular fehlt etwas. Bitte gehen Sie zurück und versuchen Sie es noch einmal.

connect-this = Das verbinden?
connect-this-not = Nein, zur Startseite
connect-this-yes = Ja, verbinden
login-of-another-site = Eine fremde Website möchte hier { $what } verbinden, wo Sie mit einem Ihrer Konten angemeldet sind. Wer eines davon verwaltet, kann dann die Unterhaltungen des anderen lesen. Fahren Sie nur fort, wenn Sie das selbst wollen.
login-of-another-site-beside = Eine fremde Website möchte hier { $what } verbinden, wo Sie mit { $names } angemeldet sind. Wer eines davon verwaltet, kann dann die Unterhaltungen des anderen lesen. Fahren Sie nur fort, wenn Sie das selbst wollen.
login-used = Dieser Anmeldelink wurde schon benutzt, ist abgelaufen oder gehört zu einem anderen Browser. Wenn Ihr Konto als verbunden angezeigt wird, ist alles gut; sonst beginnen Sie die Anmeldung bitte neu.
login-overtaken = Es wurde nichts verbunden: Jemand anderes hat im selben Moment dasselbe Konto verbunden, und es gehört jetzt zu ihm. Wenn Sie das in einem anderen Fenster waren, machen Sie dort weiter; sonst fragen Sie, wer das Konto mit Ihnen verwaltet.
too-many-logins = Es laufen zu viele Anmeldungen. Bitte versuchen Sie es in einigen Minuten noch einmal.
being-erased = Was zu diesem Konto gespeichert war, wird noch gelöscht. Bitte verbinden Sie es in einigen Minuten erneut.
nothing-was-connected = Es wurde nichts verbunden: { $why }
shopify-connect = Ihren Shopify-Shop verbinden
shopify-field = Der Name Ihres Shops, wie in seiner .myshopify.com-Adresse
shopify-wrong-name = Das ist kein Name eines Shopify-Shops. Er sieht aus wie my-shop oder my-shop.myshopify.com.
facebook-connect = Ihre Facebook-Seite verbinden
instagram-connect = Instagram-Konto Ihrer Seite
facebook-continue = Mit Facebook fortfahren

facebook-shop-first = Bitte verbinden Sie zuerst Ihren Shop; kommen Sie dann zurück, um Ihre Seite zu verbinden.
facebook-what = Seiten des Facebook-Kontos dieses Browsers
facebook-session-changed = Ihre Sitzung ist inzwischen abgelaufen oder hat sich geändert. Bitte öffnen Sie die Startseite und melden Sie sich neu an.
facebook-declined = Facebook meldet, dass die Berechtigungen nicht erteilt wurden; es wurde nichts verbunden. Um es noch einmal zu versuchen, öffnen Sie die Startseite und wählen Sie „Mit Facebook fortfahren“.
facebook-no-code = Die Antwort von Facebook enthält keinen Code.
facebook-permissions-missing = Es wurde nichts verbunden: Diese Berechtigungen wurden nicht erteilt: { $permissions }. Bitte öffnen Sie die Startseite, wählen Sie „Mit Facebook fortfahren“ und lassen Sie sie angekreuzt.
facebook-more-pages = Weitere Seiten
facebook-more-pages-why = Facebook hat nicht alle Ihre Seiten genannt. Die hier fehlenden verbindet eine weitere Anmeldung. { $why }
facebook-your-pages = Ihre Seiten
facebook-no-pages = Facebook zeigt dieser App keine Seite von Ihnen; es wurde nichts verbunden. Wählen Sie Ihre Seiten im Dialog von Facebook aus, oder melden Sie sich als eine Person an, die dort eine Rolle hat. Gehört Ihre Seite zu einem Business-Portfolio, muss jemand mit vollständiger Kontrolle sie Ihnen zuweisen (Meta Business Suite, Einstellungen, Seiten, „Personen zuweisen“) und Nachrichten erlauben. Melden Sie sich danach neu an.
facebook-login-used = Facebook meldet, dass diese Anmeldung schon benutzt wurde oder abgelaufen ist. Wenn Ihre Seite als verbunden angezeigt wird, ist alles gut; sonst beginnen Sie die Anmeldung bitte neu.
facebook-not-confirmed = Facebook bestätigt diese Anmeldung nicht. Bitte beginnen Sie sie neu.
facebook-unreadable-id = Ihre ID kann nicht gelesen werden.
facebook-no-access = Facebook gibt keinen Zugriff darauf.
facebook-may-not-answer = Sie dürfen dort keine Nachrichten beantworten. Bitten Sie in den Einstellungen der Seite um die Aufgabe „Nachrichten“.
facebook-in-portfolio = Facebook gibt keinen Zugriff darauf. Gehört sie zu einem Business-Portfolio, muss jemand mit vollständiger Kontrolle sie Ihnen zuweisen (Meta Business Suite, Einstellungen, Seiten, „Personen zuweisen“) und Nachrichten erlauben. Melden Sie sich danach neu an.
facebook-of-another-shop = Sie ist hier schon mit einem anderen Shop verbunden. Melden Sie sich mit jenem Shop an, um sie dort zu nutzen, oder bitten Sie den Betreiber, sie freizugeben.
facebook-not-signed = Das ist keine von Facebook signierte Anfrage für diese App.
to-come-lasting = eine dauerhafte Anmeldung
to-come-granted = was Sie erlaubt haben
to-come-access = Zugriff auf die Seite
to-come-subscription = das Webhook-Abonnement
to-come-page-details = Angaben zur Seite
to-come-more-pages = weitere Seiten von Ihnen

shopify-what = den Shop { $shop }
shopify-forged-link = Dieser Link stammt nicht von Shopify oder wurde unterwegs verändert. Bitte öffnen Sie die App noch einmal aus Shopify.
shopify-old-link = Dieser Link von Shopify ist zu alt. Bitte öffnen Sie die App noch einmal aus Shopify.
shopify-forged = Diese Antwort stammt nicht von Shopify oder wurde unterwegs verändert. Bitte beginnen Sie die Anmeldung neu.
shopify-declined = Shopify meldet, dass die App nicht installiert wurde; es wurde nichts verbunden. Um es noch einmal zu versuchen, öffnen Sie die Startseite und verbinden Sie Ihren Shop.
shopify-old-answer = Diese Antwort von Shopify ist zu alt. Bitte beginnen Sie die Anmeldung neu.
shopify-another-shop = Diese Antwort betrifft einen anderen Shop als die Anmeldung. Bitte beginnen Sie sie neu.
shopify-no-products = Es wurde nichts verbunden: Die Berechtigung, Produkte zu lesen, wurde nicht erteilt. Bitte verbinden Sie Ihren Shop erneut und lassen Sie sie bei Shopify stehen.
shopify-login-used = Shopify meldet, dass diese Anmeldung schon benutzt wurde oder abgelaufen ist. Wenn Ihr Shop als verbunden angezeigt wird, ist alles gut; sonst beginnen Sie die Anmeldung bitte neu.
to-come-shop-details = Angaben zum Shop
to-come-subscriptions = die Webhook-Abonnements

problems = { $first }; { $second }
list = { $first }, { $second }
sentences = { $first } { $second }
platform-limits = { $platform } begrenzt, wie oft gefragt werden darf. Nach einer Pause geht das Einlesen von selbst weiter.
platform-later = { $platform } antwortet zurzeit nicht richtig. Wir fragen von selbst wieder nach.
platform-unreadable = Die Antworten von { $platform } sind zurzeit nicht lesbar. Wir fragen von selbst wieder nach.
platform-refuses = { $platform } lehnt die Anfrage ab (Code { $code }).

facebook-blocked = Facebook hat diese App oder Seite wegen eines Regelverstoßes für eine Weile gesperrt (Code 368). Die Regel steht im Support-Postfach der Seite; nach der Sperre geht das Einlesen von selbst weiter.
facebook-restricted = Facebook lässt die Seite für eine Weile keine Nachrichten senden (Code 10). Näheres im Support-Postfach der Seite.
facebook-not-allowed = Facebook erlaubt nicht, die Seite einzulesen (Code { $code }). Wählen Sie noch einmal „Mit Facebook fortfahren“ und lassen Sie alle Berechtigungen angekreuzt.
facebook-not-allowed-without = Facebook erlaubt das nicht ohne die Berechtigung { $permission } (Code { $code }). Wählen Sie noch einmal „Mit Facebook fortfahren“ und lassen Sie alle Berechtigungen angekreuzt.
facebook-token-removed = Die App wurde aus dem Facebook-Konto entfernt. Bitte verbinden Sie die Seite neu.
facebook-token-checkpoint = Facebook möchte, dass Sie sich dort anmelden und Ihre Identität bestätigen. Verbinden Sie die Seite danach neu.
facebook-token-password = Das Passwort des Facebook-Kontos wurde geändert. Bitte verbinden Sie die Seite neu.
facebook-token-expired = Die Anmeldung bei Facebook ist abgelaufen. Bitte verbinden Sie die Seite neu.
facebook-token-unconfirmed = Das Facebook-Konto ist nicht bestätigt. Bestätigen Sie es dort und verbinden Sie die Seite dann neu.
facebook-token-no-role = Die Person, die die Seite verbunden hat, hat dort keine Rolle mehr. Jemand mit einer Rolle muss sie neu verbinden.
facebook-token-refused = Facebook lehnt die gespeicherte Anmeldung ab. Bitte verbinden Sie die Seite neu.
facebook-token-gone = Die gespeicherte Anmeldung ist nicht mehr da. Bitte verbinden Sie die Seite neu.
facebook-token-another-app = Dieser Dienst ist bei Facebook jetzt eine andere App. Bitte verbinden Sie die Seite neu.
facebook-setup = Dieser Dienst ist bei Facebook nicht richtig eingerichtet (Code { $code }). Das muss sein Betreiber beheben.
facebook-unreachable = Facebook meldet, dass eine Person nicht erreichbar ist (Code 551).
facebook-not-visible = Facebook zeigt etwas nicht mehr, was vorher da war (Code 100/33).
facebook-too-large = Die Unterhaltungen der Seite sind Facebook zu umfangreich, um sie auf einmal zu lesen.
facebook-page-gone = Facebook zeigt diese Seite nicht mehr: Sie wurde gelöscht, verborgen oder der Person entzogen, die sie verbunden hat. Ist sie wieder da, geht das Einlesen von selbst weiter.
facebook-permission-missing = eine Berechtigung fehlt ({ $permissions }); wählen Sie noch einmal „Mit Facebook fortfahren“ und kreuzen Sie sie an
facebook-subscription-refused = Facebook liefert keine Nachrichten (das Webhook-Abonnement wurde abgelehnt, Code { $code })
facebook-delivers-nothing = Facebook liefert diesem Dienst zurzeit nichts (Code { $code }), und sein Betreiber weiß davon; Nachrichten kommen mit dem täglichen Abruf
facebook-policy-block = Facebook hat der Seite wegen eines Regelverstoßes das Senden von Nachrichten gesperrt; Näheres im Support-Postfach der Seite
facebook-policy-warning = Facebook verwarnt die Seite wegen eines Regelverstoßes; Näheres im Support-Postfach der Seite
facebook-ended = die Erlaubnis von Facebook, die Seite einzulesen, endete am { $date }; wählen Sie „Mit Facebook fortfahren“, um sie zu erneuern
facebook-ends-soon = Die Erlaubnis von Facebook, die Seite einzulesen, endet am { $date }. Wählen Sie vorher „Mit Facebook fortfahren“, um sie zu erneuern.

shopify-inactive = dieser Shop ist bei Shopify nicht aktiv: pausiert oder geschlossen. Das Einlesen geht von selbst weiter, wenn er wieder geöffnet ist.
shopify-token-refused = Shopify lehnt die gespeicherte Anmeldung ab: Die App wurde deinstalliert oder die Anmeldung widerrufen. Bitte verbinden Sie den Shop neu.
shopify-token-old-kind = Shopify akzeptiert die alte Art der Anmeldung nicht mehr. Bitte verbinden Sie den Shop neu.
shopify-token-dead = Shopify lehnt die gespeicherte Anmeldung ab. Bitte verbinden Sie den Shop neu.
shopify-not-renewed = Shopify erneuert die Anmeldung nicht: Die App wurde deinstalliert, oder dieser Dienst ist falsch eingerichtet. Bitte verbinden Sie den Shop neu.
shopify-limits = Shopify begrenzt, wie oft dieser Shop gefragt werden darf. Nach einer Pause geht das Einlesen von selbst weiter.
shopify-denied = Shopify verweigert eine Berechtigung (ACCESS_DENIED). Verbinden Sie den Shop neu, um sie zu erteilen.
shopify-too-dear = Ein Teil des Katalogs ist Shopify zu groß für eine Anfrage (MAX_COST_EXCEEDED). Das muss der Betreiber dieses Dienstes beheben.
shopify-refuses = Shopify lehnt die Anfrage ab ({ $code }). Das muss der Betreiber dieses Dienstes beheben.
shopify-frozen = Shopify hat diesen Shop eingefroren, meist wegen einer offenen Rechnung. Das Einlesen geht von selbst weiter, wenn er wieder geöffnet ist.
shopify-no-such-shop = Shopify kennt unter dieser Adresse keinen Shop: Vielleicht wurde er endgültig geschlossen. Wir fragen jede Stunde noch einmal nach.
shopify-locked = Shopify hat diesen Shop gesperrt. Das Einlesen geht von selbst weiter, wenn er wieder geöffnet ist.
shopify-moved = dieser Shop hat bei Shopify jetzt eine andere Adresse: Er wurde umbenannt. Bitte verbinden Sie ihn unter dem neuen Namen neu.
shopify-forbidden = Shopify verbietet zurzeit die Nutzung dieses Shops. Das Einlesen geht danach von selbst weiter.
shopify-renamed = dieser Shop heißt bei Shopify jetzt { $shop }. Bitte verbinden Sie ihn unter dem neuen Namen neu; was unter dem alten eingelesen wurde, bleibt, wie es ist.
shopify-part-denied = eine Berechtigung fehlt ({ $permissions }). Verbinden Sie den Shop neu, um sie zu erteilen.
shopify-permission-missing = eine Berechtigung fehlt ({ $permissions }); verbinden Sie den Shop neu, um sie zu erteilen
shopify-not-delivered = Shopify liefert dies nicht: { $what }
export-consequence = { $why } Der Katalog wird stattdessen Seite für Seite eingelesen; das dauert länger und bringt dasselbe. Der Export wird beim nächsten vollständigen Einlesen wieder versucht, frühestens in einem Tag.
export-refused = Der Export von Shopify ({ $what }) wurde abgelehnt ({ $code }).
export-not-told = Shopify gibt über seinen Export keine Auskunft ({ $code }).
export-answers-unreadable = Die Antworten von Shopify zu seinem Export sind nicht lesbar ({ $why }).
export-denied = Dem Export von Shopify ({ $what }) wurde eine Berechtigung verweigert (ACCESS_DENIED).
export-fault = Der Export von Shopify ({ $what }) scheiterte an einem Fehler bei Shopify (INTERNAL_SERVER_ERROR).
export-timeout = Der Export von Shopify ({ $what }) hat zu lange gedauert (TIMEOUT).
export-failed = Der Export von Shopify ({ $what }) ist fehlgeschlagen ({ $code }).
export-expired = Der Export von Shopify ({ $what }) lief ab, bevor er abgeholt werden konnte (EXPIRED).
export-canceled = Der Export von Shopify ({ $what }) wurde bei Shopify abgebrochen (CANCELED).
export-unknown-end = Der Export von Shopify ({ $what }) endete auf eine hier unbekannte Weise ({ $code }).
export-gone = Der Export von Shopify ({ $what }) ist bei Shopify nicht mehr bekannt.
export-not-begun = Der Export von Shopify ({ $what }) hat nach einer halben Stunde nicht begonnen.
export-endless = Der Export des Katalogs von Shopify war nach sechs Stunden nicht fertig.
export-elsewhere = Der Export von Shopify ({ $what }) liegt unter einer Adresse, die nicht als die von Shopify bekannt ist; er wurde nicht abgeholt.
export-not-given-out = Der Export von Shopify ({ $what }) wird nicht herausgegeben ({ $code }).
export-breaks-off = Der Export von Shopify ({ $what }) bricht vor dem Ende ab.
export-unreadable = Der Export von Shopify ({ $what }) ist nicht lesbar ({ $why }).
export-orphan = Der Export von Shopify ({ $what }) ist unvollständig: Einem Objekt fehlt das übergeordnete.

whatsapp-blocked = WhatsApp hat das Unternehmenskonto wegen eines Regelverstoßes gesperrt. Die Regel steht im WhatsApp Manager; nach der Sperre geht das Senden von selbst weiter.
whatsapp-restricted = WhatsApp lässt die Nummer für eine Weile nicht senden. Näheres im WhatsApp Manager.
whatsapp-payment = WhatsApp kann das Unternehmenskonto nicht belasten (Code 131042): Eine Zahlungsmethode fehlt oder wurde abgelehnt. Näheres im WhatsApp Manager unter Abrechnung.
whatsapp-not-registered = Die Nummer ist bei WhatsApp nicht zum Senden registriert (Code { $code }). Näheres im WhatsApp Manager.
whatsapp-not-allowed = WhatsApp erlaubt das dem Token der Einstellungen nicht (Code { $code }). Sein Systemnutzer braucht die Nummer und die Berechtigungen { $permissions }.
whatsapp-token-expired = Das Zugriffstoken für WhatsApp ist abgelaufen. Setzen Sie WHATSAPP_ACCESS_TOKEN neu.
whatsapp-token-refused = WhatsApp lehnt das Zugriffstoken der Einstellungen ab. Setzen Sie WHATSAPP_ACCESS_TOKEN neu.
whatsapp-token-ends = Das Zugriffstoken für WhatsApp läuft am { $date } ab. Erstellen Sie vorher ein neues für den Systemnutzer und setzen Sie WHATSAPP_ACCESS_TOKEN.
whatsapp-may-not-send = das Token der Einstellungen darf nicht senden: Ihm fehlt die Berechtigung { $permission }
whatsapp-subscription-refused = WhatsApp liefert keine Nachrichten (das Abonnement wurde abgelehnt, Code { $code })
whatsapp-another-address = WhatsApp liefert die Nachrichten der Nummer an eine andere Adresse als WHATSAPP_WEBHOOK_ADDRESS
whatsapp-fields-missing = die App bekommt diese Webhook-Felder nicht: { $fields }

viber-token-refused = Viber lehnt das Token des Bots ab. Sein Betreiber trägt das neue in VIBER_BOT_TOKEN ein und startet den Dienst neu.
viber-blocked = Viber hat den Bot gesperrt (Status 7). Der Support von Viber weiß, warum; wir sehen jede Stunde nach.
viber-unknown-bot = Viber kennt den Bot nicht mehr (Status 8). Der Support von Viber weiß, warum.
viber-suspended = Viber hat den Bot ausgesetzt (Status 9). Der Support von Viber weiß, warum; wir sehen jede Stunde nach.
viber-terms = Viber erlaubt das dem Bot nicht (Status 15): Vielleicht fehlen seine Geschäftsbedingungen.
viber-another-bot = VIBER_BOT_TOKEN ist das Token eines anderen Bots, oder Viber hat noch nicht gesagt, von welchem. Als dieser Bot wird nichts gesendet.
viber-not-delivered-unreachable = Viber liefert keine Nachrichten an VIBER_WEBHOOK_ADDRESS: Die Adresse ist nicht erreichbar, oder ihrem Zertifikat wird nicht vertraut (Status 1).
viber-not-delivered = Viber liefert keine Nachrichten an VIBER_WEBHOOK_ADDRESS: Die Adresse wird abgelehnt (Status { $code }).

linkedin-token-refused = LinkedIn lehnt das Token der Seite ab: Es ist abgelaufen oder wurde widerrufen. Ihr Betreiber erstellt ein neues, trägt es in LINKEDIN_ACCESS_TOKEN ein und startet den Dienst neu.
linkedin-refresh-refused = LinkedIn erneuert das Token der Seite nicht. Ihr Betreiber erstellt neue, trägt sie in LINKEDIN_ACCESS_TOKEN und LINKEDIN_REFRESH_TOKEN ein und startet den Dienst neu.
linkedin-not-allowed = LinkedIn erlaubt das der App oder dem Mitglied nicht, dem das Token gehört (Code { $code }): Es fehlt ein Produkt der App, eine Berechtigung oder die Administratorrolle auf der Seite
linkedin-version = LinkedIn bedient diese Version seiner API nicht mehr. Der Betreiber setzt LINKEDIN_VERSION auf eine neuere.
linkedin-limits = LinkedIn begrenzt, wie oft am Tag gefragt werden darf. Wir fragen von selbst wieder nach.
linkedin-another-page = LINKEDIN_ORGANIZATION_ID nennt eine andere Seite. Als diese Seite wird nichts gesendet.
linkedin-not-shown = LinkedIn zeigt das Abonnement nicht (Code { $code })
linkedin-no-subscription = LinkedIn hat kein Abonnement für die Aktivität der Seite; mit LINKEDIN_APPLICATION_ID richtet der Dienst eines ein
linkedin-no-administrator = das Mitglied von LINKEDIN_ACCESS_TOKEN verwaltet die Seite nicht, daher kann niemand ihre Aktivität abonnieren
linkedin-not-delivered = LinkedIn liefert die Aktivität der Seite nicht an LINKEDIN_WEBHOOK_ADDRESS (Code { $code }): Die Adresse muss zuerst im Entwicklerportal unter Webhooks eingetragen werden, wo LinkedIn sie prüft

bot-hand-no-answer = Das Modell gab keine Antwort.
bot-hand-too-long = Die Antwort des Modells war zu lang.
bot-hand-markup = Die Antwort des Modells war Markup statt Text.
bot-hand-address = Die Antwort des Modells enthielt eine Adresse, die nicht zum Shop gehört.
bot-hand-price = Die Antwort des Modells enthielt einen Preis, der nicht im Katalog steht.
bot-hand-span = Die Antwort des Modells nannte eine Dauer, die in nichts steht, was ihm gesagt wurde.
bot-hand-number = Die Antwort des Modells enthielt eine Zahl, die in nichts steht, was ihm gesagt wurde.
bot-hand-unfinished = Die Antwort des Modells war keine Antwort, sondern etwas von seinem Innenleben.
bot-hand-another-customer = Die Antwort des Modells nannte einen anderen Kunden.
bot-hand-unreadable = Die Antwort des Modells konnte nicht gelesen werden.
bot-hand-cut = Die Antwort des Modells war abgeschnitten.
bot-hand-declined = Das Modell nimmt diese Frage nicht an.
bot-hand-endless = Das Modell fand keine Antwort.
bot-hand-wanted = Das Modell möchte, dass ein Mensch antwortet.
bot-hand-prompt = Die Datei BOT_PROMPT_FILE ist leer oder kann nicht gelesen werden.
bot-hand-over-budget = Der Bot hat seine Tokens für heute verbraucht.
bot-hand-cannot-read = Der Kunde hat etwas geschickt, das der Bot nicht lesen kann.
bot-hand-refuses = Das Modell nimmt keine Fragen an.
bot-hand-late = Das Modell hat nicht rechtzeitig geantwortet.
bot-hand-account-late = Das Konto konnte nicht rechtzeitig senden.
bot-hand-channel = Die Antwort des Modells kann auf diesem Kanal nicht gesendet werden.
bot-hand-nobody = Seit der Übergabe durch den Bot hat niemand geantwortet.
bot-hand-window = Die Antwortfrist der Plattform endete, bevor der Bot antworten konnte.
bot-hand-not-sent = Die Antwort des Bots konnte nicht gesendet werden.
bot-hand-not-taken = Die Plattform hat die Antwort des Bots nicht angenommen.
bot-hand-unknown = Niemand weiß, ob die Antwort des Bots den Kunden erreicht hat.
bot-hand-fault = Der Bot konnte diese Nachricht nicht bearbeiten.
