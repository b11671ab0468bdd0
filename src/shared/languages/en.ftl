# What merchants read, in English. `$name` is filled in by the program; the words in square brackets decide between
# one and several, or between the months. Each sentence stands in every other file of this folder, with the same variables.

## Days and hours

date = { $day } { $month ->
    [1] Jan
    [2] Feb
    [3] Mar
    [4] Apr
    [5] May
    [6] Jun
    [7] Jul
    [8] Aug
    [9] Sep
    [10] Oct
    [11] Nov
   *[12] Dec
  } { $year }
moment = { $day } { $month ->
    [1] Jan
    [2] Feb
    [3] Mar
    [4] Apr
    [5] May
    [6] Jun
    [7] Jul
    [8] Aug
    [9] Sep
    [10] Oct
    [11] Nov
   *[12] Dec
  } { $year }, { $clock } UTC
day = { $weekday ->
    [1] Monday
    [2] Tuesday
    [3] Wednesday
    [4] Thursday
    [5] Friday
    [6] Saturday
   *[7] Sunday
  }, { $day } { $month ->
    [1] January
    [2] February
    [3] March
    [4] April
    [5] May
    [6] June
    [7] July
    [8] August
    [9] September
    [10] October
    [11] November
   *[12] December
  } { $year }
date-in-full = { $day } { $month ->
    [1] January
    [2] February
    [3] March
    [4] April
    [5] May
    [6] June
    [7] July
    [8] August
    [9] September
    [10] October
    [11] November
   *[12] December
  } { $year }
just-now = just now
minutes-ago = { $count ->
    [one] a minute ago
   *[other] { $count } minutes ago
  }
hours-ago = { $count ->
    [one] an hour ago
   *[other] { $count } hours ago
  }
yesterday = yesterday
days-ago = { $count ->
    [one] a day ago
   *[other] { $count } days ago
  }
in-a-moment = in a moment
in-minutes = { $count ->
    [one] in a minute
   *[other] in { $count } minutes
  }

## On every page

skip = Skip to content
main-navigation = Main
overview = Overview
conversations = Conversations
catalogue = Catalogue
keys = Keys
account = Account
pages = Pages
breadcrumb = Breadcrumb
times-are-utc = Times are UTC.
language = Language
language-change = Change language
search = Search
you = You
bot = Bot
back-to-start = Back to the start page
to-start = To the start page

## States

connected = Connected
connected-in-part = Connected in part
not-connected = Not connected
cannot-answer = Cannot answer
log-in-again = Please log in again

## Start page

welcome-title = Every conversation and the whole catalogue, always at hand
welcome = shoptalk connects your shop and your Page, and keeps what your customers write and what you sell ready for your sales bot.
no-platform = No platform is configured yet. The operator finds every setting explained in { $file }.
step = Step { $number }:
after-first-step = Comes after the first step.
connect = Connect
connect-another = Connect another
connect-another-account = Connect another account
still-to-connect = Still to connect
sign-out = Sign out
session-ended = Your session has ended. Connect your shop again to sign in; nothing is lost.
session-closed = You are signed out of this page. Your accounts stay connected.
read-again = Everything is being read again.
all-connected = Everything is connected. New messages and changes of the catalogue arrive by themselves.
all-well = New messages and changes of the catalogue arrive by themselves.
being-finished = Connected. Something is still to come, and arrives by itself.
accounts-need-you = { $count ->
    [one] One account needs you.
   *[other] { $count } accounts need you.
  }
latest-conversations = Latest conversations
all-conversations = All conversations
nobody-has-written = Nobody has written yet. As soon as a customer does, the conversation appears here.
disconnected = Disconnected
is-disconnected = { $platform } { $noun } { $account } is disconnected.
connect-again = Connect { $platform } again
last-event = Last event
none-yet = none yet
last-read = Last complete read
not-yet = not yet
connected-since = Connected
sync-now = Sync now
disconnect = Disconnect
log-in-to-again = Log in to { $platform } again
answers-not-sent = Answers are not being sent. { $why }
nobody-has-to = Nobody has to do anything.
login-not-accepted = { $platform } no longer accepts the stored login.
still-taken-in = New messages are still taken in.
not-notified = { $platform } does not notify us of: { $what }. It is tried again every hour; meanwhile reading fills the gaps.
reading-given-up = Reading failed several times and was given up. “Sync now” tries again.
reading-failed = The last read failed. It is tried again { $when }.
reading = Reading { $what }
reading-of = Reading { $what }: { $done } of { $known }
reading-so-far = Reading { $what }: { $done } so far
reading-begins = Reading begins in a moment.
reading-incomplete = Reading is incomplete: { $why }
reading-pauses = Reading pauses: { $why }
to-come = Still to come: { $what }. { $why }

## Nouns: what an account of a platform is called

account-of = { $platform } { $noun }
noun-page = Page
noun-instagram = Instagram account
noun-shop = shop
noun-number = number
noun-bot = bot
noun-linkedin = page

## What is read, or still to come

what-products = products
what-variants = variants
what-stock = stock
what-discounts = discounts
what-collections = collections
what-changed-products = changed products
what-shop = the shop
what-products-by-page = products, page by page because Shopify's export failed
what-conversations = conversations
what-older-ids = ids of older messages
what-page-metadata = the Page's metadata

## Disconnecting

disconnect-question = Disconnect { $name }?
disconnect-tells = { $platform } stops telling us what happens; we ask it to, and look whether it did.
disconnect-erases = The stored login is erased, and nothing is read any more.
disconnect-keeps = Conversations and files that are here stay. “Delete my data” under Account erases them.
disconnect-again = You can connect the { $noun } again at any time.
keep-connected = Keep it connected
disconnected-checked = Disconnected. { $platform } was asked afterwards, and no longer tells us about this { $noun }.
disconnected-with-another = Disconnected. Until the account that this { $noun } belongs to is disconnected too, we are still told of it; that is set aside and shown nowhere.
disconnected-unconfirmed = Disconnected: our login is erased and nothing is read any more. But { $platform } did not confirm that it stops telling us about this { $noun }. { $part } What still arrives is set aside and shown nowhere.
part-facebook = On Facebook, open Settings → Business integrations and remove this app.
part-shopify = In Shopify, open Settings → Apps and sales channels and uninstall this app.
part-whatsapp = In WhatsApp Manager, open the app's system user and take its access to the WhatsApp account away.
part-viber = Ask Viber for a new token of the bot, which ends what the old one could do.
part-linkedin = On LinkedIn, open Settings → Data privacy → Permitted services and remove this app.
needs-login-first = This account needs a new login before it can be read.

## Account

sign-out-means = Ends your session in this browser. Your accounts stay connected, and messages still arrive. To come back, connect your shop again.
export = Export my data
export-means = Everything that is kept of your accounts, as one zip file: conversations, catalogue, copies of attachments, and what is connected.
export-under-way = Your data is being exported already. Please wait until that is done.
delete = Delete my data
delete-more = Delete my data …
delete-means = Disconnects every account and erases what is kept of them: logins, conversations, catalogue, files.
delete-question = Delete all my data?
delete-concerns = This cannot be undone. It concerns:
not-connected-any-more = { $account } (not connected any more)
delete-receipt = You get the address of a receipt that shows when it is done; it names nobody.
delete-word = delete
delete-type = Type “{ $word }” to go on
delete-not-typed = That was not “{ $word }”. Nothing was deleted.
delete-everything = Delete everything
keep-data = Keep my data

## The receipt of an erasure

request = Your request
receipt-nothing = Nothing was found that belongs to this request, so there was nothing to erase. Requests of this kind name the person who connected an account here; messages that somebody sent to a shop's Page are kept by that shop.
receipt-disconnected = The accounts were disconnected: their access is erased, and nothing more is read.
receipt-erased = Everything that belongs to this request was erased, from databases and files.
receipt-under-way = The data is being erased. This takes some minutes, and never more than a day.
receipt-unconfirmed = { $platform } did not confirm that it stops telling us about your { $noun }. { $part }
receipt-code = Code: { $code }
receipt-received = Received
receipt-done = Done
receipt-events = Messages and other events erased
receipt-files = Files erased
receipt-objects = Copies in object storage erased
receipt-connections = Connections ended
receipt-keep = This page names nobody. Keep the code if you want to come back to it.

## Conversations

no-conversations = No account with conversations is connected yet. { $link }, and what customers write appears here.
connect-one = Connect one
accounts = Accounts
with-on = with { $name } on { $platform }
search-conversations = Search by name, text or id
nobody-has-written-list = Nobody has written yet. As soon as a customer does, the conversation appears here, newest first.
no-more-conversations = There are no more conversations.
back-to-newest = Back to the newest
newest = Newest
older-conversations = Older conversations
people = People
messages = Messages
nothing-found = Nothing found for “{ $words }”.
nothing-found-so-far = Nothing found for “{ $words }” so far.
show-all-conversations = Show all conversations
searched-back-to = Searched back to { $date }.
search-further = Search further back
you-said = You:
older-than-kept = Older than what is kept here; the file of the account has it
messages-word = { $count ->
    [one] message
   *[other] messages
  }

## One conversation

person-on = { $person } on { $platform }
earlier-messages = Earlier messages
newest-messages = Newest messages
messages-older-than-kept = These messages are older than what is kept here; the conversation's file has them.
a-message = A message
message-unsent = Message unsent
invisible-message = A message without visible text
earlier-message = An earlier message
answers-message = Answers:
show-whole = Show the whole message
media-from = { $media } from { $name }
from-you = you
edited = edited
read = read
you-reacted = you:
reacted = reacted
they-reacted = reacted:

## Kinds of media, and how something was said

media-photo = Photo
media-video = Video
media-voice = Voice message
media-sound = Sound
media-file = File
media-sticker = Sticker
media-reel = Shared reel
media-post = Shared post
media-story = Story
media-link = Shared link
media-card = Card
media-appointment = Appointment
media-place = Place
media-contact = Contact
media-order = Order
media-attachment = Attachment
media-not-shown = A kind of message that { $platform } does not show to apps
media-unknown = A kind of message that is not known here
how-button = Pressed a button
how-referral = Came through a link or an advertisement
how-optin = Agreed to receive messages
how-order = Sent an order
how-product = Asked about a product
how-template = Sent a template
how-mention = Mentioned the page in a post
note-handed-over = The conversation was handed to another app
note-taken-over = Another app took the conversation over
note-asked-for = Another app asked for the conversation
note-account-linking = The person linked an account, or ended the link
note-policy = Facebook enforced a policy on the Page
note-not-reached = A message did not reach the person
note-subscribed = The person subscribed
note-unsubscribed = The person unsubscribed
note-opened = The person opened the chat
note-number-changed = The person's number or id changed
note-call = A call
note-passed-here = The conversation was passed to this app
note-meta-agent = Meta's agent answers from here on
note-people-elsewhere = The business's people answer elsewhere from here on
note-other-partner = Another partner of the business answers from here on
note-like = Somebody likes the post
note-share = Somebody shared the post

## Answering by hand

answer = Answer
your-message = Your message
send = Send
sent-from-here = What was sent from here
sent-by-at = { $by }, { $moment }: { $state }
state-accepted = waits to be sent
state-sent = sent
state-delivered = delivered
state-read = read
state-failed = could not be sent
state-unknown = may have been sent; that is being found out
not-sent = Not sent
not-sent-window = The platform's time for answers is over. It opens again when the person writes.
not-sent-cannot-receive = This person cannot be written to at the moment.
not-sent-blocked = The platform does not let the account send at the moment. The overview says why.
not-sent-account = The account cannot send at the moment. Connect it again on the overview.
not-sent-queue = Too many messages wait for this person already. Please try again later.
not-sent-form = This form was used for another message already. Please go back and reload the page.
not-sent-content = This message cannot be sent as it is.
not-sent-human-window = Answers of humans after the platform's window are not switched on for this channel.
not-sent-public = Answers are public there, and bots' answers are not switched on for this channel.
not-sent-linkedin-partner = LinkedIn lets only its messaging partners send direct messages; LINKEDIN_MESSAGES=partner says that this app is one.
not-sent-linkedin-automatic = LinkedIn forbids automatic direct messages: only what a human writes may be sent.
becomes-comment = Your answer becomes a comment of the page, which everybody can read.
your-message-was = Your message was:
back-to-conversation = Back to the conversation
reason-expired = expired
reason-window-closed = window closed
reason-cannot-receive = cannot receive
reason-refused = refused
reason-media-unusable = media unusable
reason-template-unusable = template unusable
reason-account-unavailable = account unavailable
reason-not-owner = not owner
reason-paused = paused
reason-stopped = stopped
reason-taken-back = taken back
reason-rate = too many messages
reason-unresolved = unresolved

## Bots in a conversation

bots = Bots
bots-resume = Let bots answer again
bots-pause = Pause bots here
bots-until = until { $moment }
bots-until-resumed = until you let them answer again
bots-owner-lost = Another app answers in this conversation; bots are silent here until it gives it back.
bots-human = A person answers in this conversation. Bots are silent here { $until }.
bots-app = Another app has answered in this conversation. Bots are silent here { $until }.
bots-paused = Bots are paused here { $until }.
bots-may-answer = Bots may answer in this conversation.

## The built-in bot

the-bot = The bot
bot-stop = Stop the bot here
bot-start = Let the bot answer here
bot-log = What the bot did
bot-about = It answers your customers where you let it, with what your catalogue says. What they write goes to { $host } (model { $model }) and nowhere else. You switch it on and off on each account's card on the { $link }.
bot-about-link = overview
bot-spent = Today (UTC): { $taken } tokens in, { $given } out, of { $most } together.
bot-try = Try a question
bot-question = What a customer may ask
bot-show-answer = Show the answer
bot-try-hint = Nothing is sent to anybody. It costs tokens, like an answer.
bot-did = What it did
bot-nothing-yet = Nothing yet.
bot-no-tokens = There are no tokens left for today.
bot-too-long = The model took too long. A customer would still get its answer.
bot-would-read = The customer would read:
bot-product-card = Product card: { $title }
bot-would-hand-over = It would hand over to you: { $why }
bot-model-later = The model does not answer at the moment.
bot-model-refuses = The model refuses to be asked. The operator of this service can change that.
bot-cost = { $taken } tokens in, { $given } out.
bot-tokens = { $count } tokens
bot-not-sent = Answer not sent
bot-answered = Answered
bot-handed-over = Handed over
bot-dropped = Not answered
bot-answer-accepted = The answer waits to be sent.
bot-answer-unknown = The answer may have been sent; that is being found out.
bot-answer-sent = The answer was sent.
bot-answer-delivered = The answer was delivered.
bot-answer-read = The answer was read.
bot-answer-failed = The answer could not be sent.
bot-why-outdated = The customer wrote again.
bot-why-answered = Somebody had answered already.
bot-why-paused = A person answers in this conversation.
bot-why-not-owner = Another app answers in this conversation.
bot-why-window = The platform's time for answers was over.
bot-why-account = The account could not send.
bot-why-cannot-receive = This person cannot be written to.
bot-why-public = Answers are public there.
bot-why-not-connected = The account is not connected.
bot-why-gone = The message is not there any more.
bot-why-before = The bot was switched on later.
bot-neither = The form says neither yes nor no.
bot-being-tried = A question is being tried already. Please wait until it is answered, and try again.

## Catalogue

no-shop = No shop is connected yet. { $link }, and its products appear here.
shops = Shops
products-in = { $count ->
    [one] { $count } product in { $shop }, newest first
   *[other] { $count } products in { $shop }, newest first
  }
search-products = Search by title, vendor, tag or SKU
no-product-found = No product found for “{ $words }”.
no-product-found-so-far = No product found for “{ $words }” so far.
show-all-products = Show all products
catalogue-being-read = The catalogue is being read. It appears here as soon as it is complete; { $link } shows how far it is.
catalogue-being-read-link = the overview
no-products = This shop has no products yet. A product that is added there appears here within seconds.
from-the-beginning = From the beginning
more-products = More products
search-on = Search on
variants-count = { $count ->
    [one] { $count } variant
   *[other] { $count } variants
  }
untitled-product = Untitled product
no-price = No price
price-from = from { $price }
stock-not-counted = Stock not counted
out-of-stock = Out of stock
in-stock = { $count } in stock
nothing-to-buy = This product has nothing that can be bought.
variants = Variants
variant = Variant
sku = SKU
price = Price
stock = In stock
for-sale = For sale
the-product = The product
price-before = before
not-counted = not counted
yes = Yes
no = No
more-variants = and { $count } more; the catalogue's file has all of them.
product-active = Active
product-draft = Draft
product-archived = Archived
product-unlisted = Unlisted
product-unknown = Unknown

## Keys for bots

keys-title = Keys for bots
keys-about = With a key, a program of yours reads and answers your customers' messages. Give each program a key of its own.
keys-new = Your new key “{ $name }”
keys-copy = Copy it now: it is shown this once.
keys-keep = Keep it as you keep a password. Whoever has it can do what it may do.
keys-revoked-done = The key is revoked. It opens nothing any more.
keys-none = You have no keys. No program can read or answer in your name.
keys-dead = No longer in use
keys-revoked = Revoked
keys-ended = Ended
keys-in-use = In use
keys-all-accounts = All accounts
keys-only = Only { $accounts }
keys-made = Made { $when }
keys-last-used = Last used { $when }
keys-never-used = Never used
keys-revoked-on = Revoked on { $date }
keys-ended-on = Ended on { $date }
keys-ends-on = Ends on { $date }
keys-revoke = Revoke
keys-make = Make a key
keys-name = Name
keys-name-example = Sales bot
keys-scopes = What it may do
keys-read = Read messages, conversations and the catalogue
keys-reply = Answer as the bot, pause and resume conversations
keys-human = Answer as a person: the bot is silent for a while then
keys-admin = Choose the address to which news is sent
keys-accounts = For which accounts
keys-accounts-hint = None ticked: for all, also for those that you connect later.
keys-end = When it ends
keys-end-never = When I revoke it
keys-end-days = In { $days } days
keys-end-year = In a year
keys-wrong = { $why } No key was made.
keys-wrong-name = Please give the key a name of up to { $most } characters.
keys-wrong-scopes = Please tick at least one thing that the key may do.
keys-wrong-days = Please choose when the key ends.
keys-wrong-account = An account that you ticked is not connected any more. Please choose again.
keys-wrong-many = You have 20 keys already. Please revoke one that is not needed any more.
keys-revoke-question = Revoke { $name }?
keys-revoke-at-once = Programs that use this key are refused at once, and what they have open ends within seconds.
keys-revoke-stays = Messages that they have sent already stay.
keys-revoke-final = This cannot be undone. You can make a new key at any time.
keys-revoke-this = Revoke this key
keys-revoke-not = Keep it
keys-revoke-title = Revoke a key

## What cannot be done

bad-request = Bad request
not-signed-in = Not signed in
not-signed-in-detail = You are not signed in.
not-allowed = Not allowed
not-found = Not found
not-found-detail = There is nothing at this address.
method-not-allowed = Method not allowed
method-not-allowed-detail = This address does not know this method.
conflict = Conflict
platform-busy = The platform is busy
platform-busy-detail = { $platform } is busy and asks us to wait. Nothing was changed; please try again in a few minutes.
platform-silent = The platform did not answer
platform-silent-detail = { $platform } did not answer as expected. Nothing was changed; please try again in a few minutes.
unavailable = Unavailable
not-now = Not at the moment
not-now-detail = The service cannot read or store anything at the moment. Please try again in a moment.
went-wrong = Something went wrong
went-wrong-detail = Something went wrong on our side. Please try again.
form-expired = This form has expired. Please go back, reload the page and try again.
form-of-another-site = This form stood on another site.
cannot-store = The service cannot store anything at the moment.
starting = The service is starting or stopping.
took-too-long = This took too long. Please try again.
refused-method = Not possible
refused-method-detail = This service does not know this method.
refused-long-url = Too long
refused-long-url-detail = This address is too long.
refused-host-detail = The request must name one host.
refused-compressed = Compressed
refused-compressed-detail = Compressed requests are not accepted.
refused-large = Too large
refused-large-detail = This request is too large.
refused-unreadable-detail = The request broke off or could not be read.
refused-slow = Too slow
refused-slow-detail = The request did not come in time.
refused-often = Too often
refused-often-detail = This was asked too often from your address. Please wait a minute.
refused-busy = Busy
refused-busy-detail = The service is busy. Please try again in a moment.
form-incomplete = The form lacks something. Please go back and try again.

## Logins

connect-this = Connect this?
connect-this-not = No, to the start page
connect-this-yes = Yes, connect it
login-of-another-site = A page of another site wants to connect { $what } here, where you are signed in with an account of yours. Whoever manages one of them can then read the conversations of the other. Go on only if this is your own wish.
login-of-another-site-beside = A page of another site wants to connect { $what } here, where you are signed in with { $names }. Whoever manages one of them can then read the conversations of the other. Go on only if this is your own wish.
login-used = This login link was used already, has expired, or belongs to another browser. If your account is shown as connected, all is well; otherwise please start the login again.
login-overtaken = Nothing was connected: somebody else connected the same account at the same moment, and it is theirs now. If that was you in another window, go on there; otherwise ask who manages the account with you.
too-many-logins = Too many logins are under way. Please try again in some minutes.
being-erased = What was known of this account is still being erased. Please connect it again in a few minutes.
nothing-was-connected = Nothing was connected: { $why }
shopify-connect = Connect your Shopify shop
shopify-field = The name of your shop, as in its .myshopify.com address
shopify-wrong-name = This is not the name of a Shopify shop. It looks like my-shop, or my-shop.myshopify.com.
facebook-connect = Connect your Facebook Page
instagram-connect = Instagram account of your Page
facebook-continue = Continue with Facebook

## Logins of Facebook

facebook-shop-first = Please connect your shop first; then come back to connect your Page.
facebook-what = Pages of the Facebook account of this browser
facebook-session-changed = Your session has ended or changed meanwhile. Please open the start page and log in again.
facebook-declined = Facebook reports that the permissions were not given, so nothing was connected. To try again, open the start page and choose “Continue with Facebook”.
facebook-no-code = The answer of Facebook holds no code.
facebook-permissions-missing = Nothing was connected: these permissions were not given: { $permissions }. Please open the start page, choose “Continue with Facebook” and leave them ticked.
facebook-more-pages = More Pages
facebook-more-pages-why = Facebook did not name all of your Pages. Those that are missing here are connected by another login. { $why }
facebook-your-pages = Your Pages
facebook-no-pages = Facebook shows no Page of yours to this app, so nothing was connected. Choose your Pages in Facebook's dialog, or log in as a person who has a role there. If your Page belongs to a business portfolio, somebody with full control there must assign it to you (Meta Business Suite, Settings, Pages, “Assign people”), with messages allowed. Then log in again.
facebook-login-used = Facebook says that this login was used already or has expired. If your Page is shown as connected, all is well; otherwise please start the login again.
facebook-not-confirmed = Facebook does not confirm this login. Please start it again.
facebook-unreadable-id = Its id cannot be read.
facebook-no-access = Facebook gives no access to it.
facebook-may-not-answer = You may not answer messages there. Ask for the task “Messages” in the Page's settings.
facebook-in-portfolio = Facebook gives no access to it. If it belongs to a business portfolio, somebody with full control there must assign it to you (Meta Business Suite, Settings, Pages, “Assign people”), with messages allowed. Then log in again.
facebook-of-another-shop = It is connected to another shop here already. Log in with that shop to use it there, or ask the operator to release it.
facebook-not-signed = This is not a signed request of Facebook for this app.
to-come-lasting = a login that lasts
to-come-granted = what you allowed
to-come-access = access to the Page
to-come-subscription = the webhook subscription
to-come-page-details = the Page's details
to-come-more-pages = more of your Pages

## Logins of Shopify

shopify-what = the shop { $shop }
shopify-forged-link = This link does not come from Shopify, or was changed on its way. Please open the app from Shopify again.
shopify-old-link = This link of Shopify is too old. Please open the app from Shopify again.
shopify-forged = This answer does not come from Shopify, or was changed on its way. Please start the login again.
shopify-declined = Shopify reports that the app was not installed, so nothing was connected. To try again, open the start page and connect your shop.
shopify-old-answer = This answer of Shopify is too old. Please start the login again.
shopify-another-shop = This answer is about another shop than the login. Please start it again.
shopify-no-products = Nothing was connected: the permission to read products was not given. Please connect your shop again and leave it as it is on Shopify's screen.
shopify-login-used = Shopify says that this login was used already or has expired. If your shop is shown as connected, all is well; otherwise please start the login again.
to-come-shop-details = the shop's details
to-come-subscriptions = the webhook subscriptions

## What is wrong with an account

problems = { $first }; { $second }
list = { $first }, { $second }
sentences = { $first } { $second }
platform-limits = { $platform } limits how often it may be asked. Reading goes on by itself after a pause.
platform-later = { $platform } does not answer properly at the moment. It is asked again by itself.
platform-unreadable = { $platform }'s answers cannot be read at the moment. It is asked again by itself.
platform-refuses = { $platform } refuses what is asked (code { $code }).

facebook-blocked = Facebook has blocked this app or Page for a while, for breaking its rules (code 368). Facebook names the rule in the Page's Support Inbox; reading goes on by itself when the block ends.
facebook-restricted = Facebook has restricted the Page from sending messages for a while (code 10). See the Page's Support Inbox.
facebook-not-allowed = Facebook does not allow the Page to be read (code { $code }). Choose “Continue with Facebook” again and leave all permissions ticked.
facebook-not-allowed-without = Facebook does not allow it without the permission { $permission } (code { $code }). Choose “Continue with Facebook” again and leave all permissions ticked.
facebook-token-removed = The app was removed from the Facebook account. Please connect the Page again.
facebook-token-checkpoint = Facebook wants you to log in there and confirm your identity. Then connect the Page again.
facebook-token-password = The password of the Facebook account was changed. Please connect the Page again.
facebook-token-expired = The Facebook login has expired. Please connect the Page again.
facebook-token-unconfirmed = The Facebook account is not confirmed. Confirm it there, then connect the Page again.
facebook-token-no-role = The person who connected the Page has no role there any more. Someone with a role must connect it again.
facebook-token-refused = Facebook refuses the stored login. Please connect the Page again.
facebook-token-gone = The stored login is gone. Please connect the Page again.
facebook-token-another-app = This service is another app at Facebook now. Please connect the Page again.
facebook-setup = This service is not set up properly at Facebook (code { $code }). Its operator has to mend that.
facebook-unreachable = Facebook says that a person cannot be reached (code 551).
facebook-not-visible = Facebook does not show something that was there before (code 100/33).
facebook-too-large = Facebook finds the Page's conversations too large to be read at once.
facebook-page-gone = Facebook does not show this Page any more: it was deleted, hidden, or taken away from the person who connected it. If it is there again, reading goes on by itself.
facebook-permission-missing = a permission is missing ({ $permissions }); choose “Continue with Facebook” again and tick it
facebook-subscription-refused = Facebook refuses to deliver messages (the webhook subscription was refused, code { $code })
facebook-delivers-nothing = Facebook delivers nothing to this service at the moment (code { $code }), and its operator was told; messages come with the daily poll
facebook-policy-block = Facebook has blocked the Page from sending messages for breaking its rules; see the Page's Support Inbox
facebook-policy-warning = Facebook warns the Page for breaking its rules; see the Page's Support Inbox
facebook-ended = Facebook's permission to read the Page ended on { $date }; choose “Continue with Facebook” again to renew it
facebook-ends-soon = Facebook's permission to read the Page ends on { $date }. Choose “Continue with Facebook” before that day to renew it.

shopify-inactive = this shop is not active at Shopify: paused, or closed. Reading goes on by itself when it is open again.
shopify-token-refused = Shopify refuses the stored login: the app was uninstalled, or the login was revoked. Please connect the shop again.
shopify-token-old-kind = Shopify does not accept the old kind of login any more. Please connect the shop again.
shopify-token-dead = Shopify refuses the stored login. Please connect the shop again.
shopify-not-renewed = Shopify refuses to renew the login: the app was uninstalled, or this service is set up wrongly. Please connect the shop again.
shopify-limits = Shopify limits how often this shop may be asked. Reading goes on by itself after a pause.
shopify-denied = Shopify denies a permission (ACCESS_DENIED). Connect the shop again to give it.
shopify-too-dear = Shopify finds a part of the catalogue too large to be asked for (MAX_COST_EXCEEDED). The operator of this service has to mend that.
shopify-refuses = Shopify refuses what is asked ({ $code }). The operator of this service has to mend that.
shopify-frozen = Shopify has frozen this shop, most often because of an unpaid bill. Reading goes on by itself when it is open again.
shopify-no-such-shop = Shopify knows no shop at this address: it may have been closed for good. It is asked again every hour, in case that is over.
shopify-locked = Shopify has locked this shop. Reading goes on by itself when it is open again.
shopify-moved = this shop has another address at Shopify now: it was renamed. Please connect it again under its new name.
shopify-forbidden = Shopify forbids the use of this shop at the moment. Reading goes on by itself when that is over.
shopify-renamed = this shop is called { $shop } at Shopify now. Please connect it again under its new name; what was read under the old one stays as it is.
shopify-part-denied = a permission is missing ({ $permissions }). Connect the shop again to give it.
shopify-permission-missing = a permission is missing ({ $permissions }); connect the shop again to give it
shopify-not-delivered = Shopify refuses to deliver { $what }
export-consequence = { $why } The catalogue is read page by page instead, which takes longer and brings the same. The export is tried again with the next whole read, after a day at the earliest.
export-refused = Shopify's export of the { $what } was refused ({ $code }).
export-not-told = Shopify refuses to tell about its export ({ $code }).
export-answers-unreadable = Shopify's answers about its export cannot be read ({ $why }).
export-denied = Shopify's export of the { $what } was denied a permission (ACCESS_DENIED).
export-fault = Shopify's export of the { $what } failed by a fault at Shopify (INTERNAL_SERVER_ERROR).
export-timeout = Shopify's export of the { $what } took Shopify too long (TIMEOUT).
export-failed = Shopify's export of the { $what } failed ({ $code }).
export-expired = Shopify's export of the { $what } expired before it could be fetched (EXPIRED).
export-canceled = Shopify's export of the { $what } was canceled at Shopify (CANCELED).
export-unknown-end = Shopify's export of the { $what } ended in a way that is not known here ({ $code }).
export-gone = Shopify's export of the { $what } is not known at Shopify any more.
export-not-begun = Shopify's export of the { $what } has not begun after half an hour.
export-endless = Shopify's export of the catalogue has not ended after six hours.
export-elsewhere = Shopify's export of the { $what } lies at an address that is not known as Shopify's; it was not fetched.
export-not-given-out = Shopify's export of the { $what } is not given out ({ $code }).
export-breaks-off = Shopify's export of the { $what } breaks off before its end.
export-unreadable = Shopify's export of the { $what } cannot be read ({ $why }).
export-orphan = Shopify's export of the { $what } is incomplete: an object in it lacks its parent.

whatsapp-blocked = WhatsApp has blocked the business account for breaking its rules. WhatsApp Manager names the rule; sending goes on by itself when the block ends.
whatsapp-restricted = WhatsApp has restricted the number from sending for a while. See WhatsApp Manager.
whatsapp-payment = WhatsApp cannot charge the business account (code 131042): a payment method is missing or was refused. See WhatsApp Manager, Billing.
whatsapp-not-registered = The number is not registered to send at WhatsApp (code { $code }). See WhatsApp Manager.
whatsapp-not-allowed = WhatsApp does not allow it to the token of the settings (code { $code }). Its system user needs the number and the permissions { $permissions }.
whatsapp-token-expired = The access token for WhatsApp has expired. Set WHATSAPP_ACCESS_TOKEN anew.
whatsapp-token-refused = WhatsApp refuses the access token of the settings. Set WHATSAPP_ACCESS_TOKEN anew.
whatsapp-token-ends = The access token for WhatsApp ends on { $date }. Make a new one for the system user and set WHATSAPP_ACCESS_TOKEN before that day.
whatsapp-may-not-send = the token of the settings may not send: its permission { $permission } is missing
whatsapp-subscription-refused = WhatsApp refuses to deliver messages (the subscription was refused, code { $code })
whatsapp-another-address = WhatsApp delivers the number's messages to another address than WHATSAPP_WEBHOOK_ADDRESS
whatsapp-fields-missing = the app does not get these webhook fields: { $fields }

viber-token-refused = Viber refuses the bot's token. Its operator puts the new one into VIBER_BOT_TOKEN and starts the service again.
viber-blocked = Viber has blocked the bot (status 7). Its support says why; it is looked at again every hour.
viber-unknown-bot = Viber does not know the bot any more (status 8). Its support says why.
viber-suspended = Viber has suspended the bot (status 9). Its support says why; it is looked at again every hour.
viber-terms = Viber does not let the bot do this (status 15): its commercial terms may be missing.
viber-another-bot = VIBER_BOT_TOKEN is the token of another bot, or Viber has not told yet of which. Nothing is sent as this one.
viber-not-delivered-unreachable = Viber does not deliver messages to VIBER_WEBHOOK_ADDRESS: it cannot reach the address, or does not trust its certificate (status 1).
viber-not-delivered = Viber does not deliver messages to VIBER_WEBHOOK_ADDRESS: it refuses the address (status { $code }).

linkedin-token-refused = LinkedIn refuses the page's token: it has ended, or was taken back. Its operator makes a new one, puts it into LINKEDIN_ACCESS_TOKEN and starts the service again.
linkedin-refresh-refused = LinkedIn refuses to renew the page's token. Its operator makes new ones, puts them into LINKEDIN_ACCESS_TOKEN and LINKEDIN_REFRESH_TOKEN and starts the service again.
linkedin-not-allowed = LinkedIn does not allow this to the app or to the member whose token it is (code { $code }): a product of the app, a permission, or the role of an administrator of the page is missing
linkedin-version = LinkedIn does not serve this version of its API any more. Its operator sets LINKEDIN_VERSION to a newer one.
linkedin-limits = LinkedIn limits how often it may be asked in a day. It is asked again by itself.
linkedin-another-page = LINKEDIN_ORGANIZATION_ID names another page. Nothing is sent as this one.
linkedin-not-shown = LinkedIn does not show the subscription (code { $code })
linkedin-no-subscription = LinkedIn has no subscription of the page's activity; with LINKEDIN_APPLICATION_ID the service makes one
linkedin-no-administrator = the member of LINKEDIN_ACCESS_TOKEN does not administer the page, so nobody can subscribe to its activity
linkedin-not-delivered = LinkedIn refuses to deliver the page's activity to LINKEDIN_WEBHOOK_ADDRESS (code { $code }): the address must be entered under Webhooks in the developer portal first, where LinkedIn checks it

## Why the bot handed a conversation over

bot-hand-no-answer = The model gave no answer.
bot-hand-too-long = The model's answer was too long.
bot-hand-markup = The model's answer was markup and no text.
bot-hand-address = The model's answer held an address that is not the shop's.
bot-hand-price = The model's answer held a price that is not in the catalogue.
bot-hand-span = The model's answer said how long something takes, and nothing that it was told says so.
bot-hand-number = The model's answer held a number that nothing that it was told says.
bot-hand-unfinished = The model's answer was no answer but its own workings.
bot-hand-another-customer = The model's answer named another customer.
bot-hand-unreadable = The model's answer could not be read.
bot-hand-cut = The model's answer was cut off.
bot-hand-declined = The model does not take this question.
bot-hand-endless = The model found no answer.
bot-hand-wanted = The model wants a human to answer.
bot-hand-prompt = The file of BOT_PROMPT_FILE is empty or cannot be read.
bot-hand-over-budget = The bot has used up its tokens for today.
bot-hand-cannot-read = The customer sent something that the bot cannot read.
bot-hand-refuses = The model refuses to be asked.
bot-hand-late = The model did not answer in time.
bot-hand-account-late = The account could not send in time.
bot-hand-channel = The model's answer cannot be sent on this channel.
bot-hand-nobody = Nobody has answered since the bot handed this over.
bot-hand-window = The platform's time for answers ended before the bot could answer.
bot-hand-not-sent = The bot's answer could not be sent.
bot-hand-not-taken = The platform did not take the bot's answer.
bot-hand-unknown = Nobody knows whether the bot's answer reached the customer.
bot-hand-fault = The bot could not work on this message.
