# Français. Vouvoiement. Une Facebook Page est une Page.

date = { $day } { $month ->
    [1] janv.
    [2] févr.
    [3] mars
    [4] avr.
    [5] mai
    [6] juin
    [7] juil.
    [8] août
    [9] sept.
    [10] oct.
    [11] nov.
   *[12] déc.
  } { $year }
moment = { $day } { $month ->
    [1] janv.
    [2] févr.
    [3] mars
    [4] avr.
    [5] mai
    [6] juin
    [7] juil.
    [8] août
    [9] sept.
    [10] oct.
    [11] nov.
   *[12] déc.
  } { $year }, { $clock } UTC
day = { $weekday ->
    [1] lundi
    [2] mardi
    [3] mercredi
    [4] jeudi
    [5] vendredi
    [6] samedi
   *[7] dimanche
  } { $day } { $month ->
    [1] janvier
    [2] février
    [3] mars
    [4] avril
    [5] mai
    [6] juin
    [7] juillet
    [8] août
    [9] septembre
    [10] octobre
    [11] novembre
   *[12] décembre
  } { $year }
date-in-full = { $day } { $month ->
    [1] janvier
    [2] février
    [3] mars
    [4] avril
    [5] mai
    [6] juin
    [7] juillet
    [8] août
    [9] septembre
    [10] octobre
    [11] novembre
   *[12] décembre
  } { $year }
just-now = à l’instant
minutes-ago = { $count ->
    [one] il y a une minute
   *[other] il y a { $count } minutes
  }
hours-ago = { $count ->
    [one] il y a une heure
   *[other] il y a { $count } heures
  }
yesterday = hier
days-ago = { $count ->
    [one] il y a un jour
   *[other] il y a { $count } jours
  }
in-a-moment = dans un instant
in-minutes = { $count ->
    [one] dans une minute
   *[other] dans { $count } minutes
  }

skip = Aller au contenu
main-navigation = Menu principal
overview = Vue d’ensemble
conversations = Conversations
catalogue = Catalogue
keys = Clés
account = Compte
pages = Pages
breadcrumb = Fil d’Ariane
times-are-utc = Heures en UTC.
language = Langue
language-change = Changer de langue
search = Rechercher
you = Vous
bot = Bot
back-to-start = Retour à l’accueil
to-start = Vers l’accueil

connected = Connecté
connected-in-part = Connecté en partie
not-connected = Non connecté
cannot-answer = Ne peut pas répondre
log-in-again = Veuillez vous reconnecter

welcome-title = Chaque conversation et tout le catalogue, toujours sous la main
welcome = shoptalk connecte votre boutique et votre Page, et tient à la disposition de votre bot de vente ce que vos clients écrivent et ce que vous vendez.
no-platform = Aucune plateforme n’est encore configurée. Tous les réglages sont expliqués dans { $file }.
step = Étape { $number } :
after-first-step = Vient après la première étape.
connect = Connecter
connect-another = En connecter une autre
connect-another-account = Connecter un autre compte
still-to-connect = Reste à connecter
sign-out = Se déconnecter
session-ended = Votre session a pris fin. Connectez à nouveau votre boutique pour vous identifier ; rien n’est perdu.
session-closed = Vous êtes déconnecté de cette page. Vos comptes restent connectés.
read-again = Tout est en cours de relecture.
all-connected = Tout est connecté. Les nouveaux messages et les changements du catalogue arrivent d’eux-mêmes.
all-well = Les nouveaux messages et les changements du catalogue arrivent d’eux-mêmes.
being-finished = Connecté. Il manque encore quelque chose, qui arrivera tout seul.
accounts-need-you = { $count ->
    [one] Un compte a besoin de vous.
   *[other] { $count } comptes ont besoin de vous.
  }
latest-conversations = Dernières conversations
all-conversations = Toutes les conversations
nobody-has-written = Personne n’a encore écrit. Dès qu’un client le fera, la conversation apparaîtra ici.
disconnected = Déconnectés
is-disconnected = { $platform } ({ $noun } { $account }) : déconnecté.
connect-again = Reconnecter { $platform }
last-event = Dernier événement
none-yet = aucun pour l’instant
last-read = Dernière lecture complète
not-yet = pas encore
connected-since = Connexion
sync-now = Synchroniser
disconnect = Déconnecter
log-in-to-again = Se reconnecter à { $platform }
answers-not-sent = Les réponses ne sont pas envoyées. { $why }
nobody-has-to = Vous n’avez rien à faire.
login-not-accepted = { $platform } n’accepte plus la connexion enregistrée.
still-taken-in = Les nouveaux messages sont toujours reçus.
not-notified = { $platform } ne nous signale pas : { $what }. Nous réessayons toutes les heures ; d’ici là, la lecture comble les manques.
reading-given-up = La lecture a échoué plusieurs fois et a été abandonnée. « Synchroniser » la relance.
reading-failed = La dernière lecture a échoué. Nouvel essai { $when }.
reading = Lecture : { $what }
reading-of = Lecture : { $what } ({ $done } sur { $known })
reading-so-far = Lecture : { $what } ({ $done } jusqu’ici)
reading-begins = La lecture commence dans un instant.
reading-incomplete = La lecture est incomplète : { $why }
reading-pauses = La lecture est en pause : { $why }
to-come = Encore à venir : { $what }. { $why }

account-of = { $platform } · { $noun }
noun-page = Page
noun-instagram = compte Instagram
noun-shop = boutique
noun-number = numéro
noun-bot = bot
noun-linkedin = page

what-products = produits
what-variants = variantes
what-stock = stock
what-discounts = réductions
what-collections = collections
what-changed-products = produits modifiés
what-shop = la boutique
what-products-by-page = produits, page par page car l’export de Shopify a échoué
what-conversations = conversations
what-older-ids = identifiants d’anciens messages
what-page-metadata = informations de la Page

disconnect-question = Déconnecter { $name } ?
disconnect-tells = { $platform } cesse de nous informer ; nous le demandons et vérifions que c’est fait.
disconnect-erases = La connexion enregistrée est effacée et plus rien n’est lu.
disconnect-keeps = Les conversations et fichiers déjà présents restent. « Supprimer mes données », dans Compte, les efface.
disconnect-again = Vous pouvez reconnecter à tout moment ({ $noun }).
keep-connected = Rester connecté
disconnected-checked = Déconnecté. Interrogé ensuite, { $platform } ne nous informe plus ({ $noun }).
disconnected-with-another = Déconnecté. Tant que le compte dont cela dépend ({ $noun }) reste connecté, nous en sommes encore informés ; cela est mis de côté et n’est montré nulle part.
disconnected-unconfirmed = Déconnecté : notre connexion est effacée et plus rien n’est lu. Mais { $platform } n’a pas confirmé qu’il cesse de nous informer ({ $noun }). { $part } Ce qui arrive encore est mis de côté et n’est montré nulle part.
part-facebook = Sur Facebook, ouvrez Paramètres → Intégrations professionnelles et supprimez cette application.
part-shopify = Dans Shopify, ouvrez Paramètres → Applications et canaux de vente et désinstallez cette application.
part-whatsapp = Dans le Gestionnaire WhatsApp, ouvrez l’utilisateur système de l’application et retirez-lui l’accès au compte WhatsApp.
part-viber = Demandez à Viber un nouveau jeton pour le bot ; l’ancien ne sera plus valable.
part-linkedin = Sur LinkedIn, ouvrez Préférences → Confidentialité des données → Services autorisés et supprimez cette application.
needs-login-first = Ce compte a besoin d’une nouvelle connexion avant de pouvoir être lu.

sign-out-means = Met fin à votre session dans ce navigateur. Vos comptes restent connectés et les messages continuent d’arriver. Pour revenir, connectez à nouveau votre boutique.
export = Exporter mes données
export-means = Tout ce qui est conservé de vos comptes dans un fichier zip : conversations, catalogue, copies des pièces jointes et connexions.
export-under-way = Vos données sont déjà en cours d’export. Veuillez patienter.
delete = Supprimer mes données
delete-more = Supprimer mes données …
delete-means = Déconnecte tous les comptes et efface ce qui en est conservé : connexions, conversations, catalogue, fichiers.
delete-question = Supprimer toutes mes données ?
delete-concerns = Cette action est irréversible. Elle concerne :
not-connected-any-more = { $account } (n’est plus connecté)
delete-receipt = Vous recevez l’adresse d’un reçu qui indique quand c’est terminé ; il ne nomme personne.
delete-word = supprimer
delete-type = Saisissez « { $word } » pour continuer
delete-not-typed = Ce n’était pas « { $word } ». Rien n’a été supprimé.
delete-everything = Tout supprimer
keep-data = Garder mes données

request = Votre demande
receipt-nothing = Rien n’a été trouvé pour cette demande ; il n’y avait donc rien à effacer. Ces demandes nomment la personne qui a connecté un compte ici ; les messages envoyés à la Page d’une boutique sont conservés par cette boutique.
receipt-disconnected = Les comptes ont été déconnectés : leur accès est effacé et plus rien n’est lu.
receipt-erased = Tout ce qui relève de cette demande a été effacé des bases de données et des fichiers.
receipt-under-way = Les données sont en cours d’effacement. Cela prend quelques minutes, et jamais plus d’un jour.
receipt-unconfirmed = { $platform } n’a pas confirmé qu’il cesse de nous informer ({ $noun }). { $part }
receipt-code = Code : { $code }
receipt-received = Reçue
receipt-done = Terminée
receipt-events = Messages et autres événements effacés
receipt-files = Fichiers effacés
receipt-objects = Copies effacées du stockage d’objets
receipt-connections = Connexions terminées
receipt-keep = Cette page ne nomme personne. Conservez le code si vous voulez y revenir.

no-conversations = Aucun compte avec des conversations n’est encore connecté. { $link }, et ce que les clients écrivent apparaîtra ici.
connect-one = Connectez-en un
accounts = Comptes
with-on = avec { $name } sur { $platform }
search-conversations = Rechercher par nom, texte ou ID
nobody-has-written-list = Personne n’a encore écrit. Dès qu’un client le fera, la conversation apparaîtra ici, la plus récente en premier.
no-more-conversations = Il n’y a pas d’autres conversations.
back-to-newest = Retour aux plus récentes
newest = Les plus récentes
older-conversations = Conversations plus anciennes
people = Personnes
messages = Messages
nothing-found = Aucun résultat pour « { $words } ».
nothing-found-so-far = Aucun résultat pour « { $words } » jusqu’ici.
show-all-conversations = Afficher toutes les conversations
searched-back-to = Recherché jusqu’au { $date }.
search-further = Chercher plus loin
you-said = Vous :
older-than-kept = Plus ancien que ce qui est conservé ici ; le fichier du compte le contient
messages-word = { $count ->
    [one] message
   *[other] messages
  }

person-on = { $person } sur { $platform }
earlier-messages = Messages précédents
newest-messages = Messages récents
messages-older-than-kept = Ces messages sont plus anciens que ce qui est conservé ici ; le fichier de la conversation les contient.
a-message = Un message
message-unsent = Message retiré
invisible-message = Un message sans texte visible
earlier-message = Un message antérieur
answers-message = Répond à :
show-whole = Afficher tout le message
media-from = { $media } de { $name }
from-you = vous
edited = modifié
read = lu
you-reacted = vous :
reacted = a réagi
they-reacted = réaction :

media-photo = Photo
media-video = Vidéo
media-voice = Message vocal
media-sound = Audio
media-file = Fichier
media-sticker = Autocollant
media-reel = Reel partagé
media-post = Publication partagée
media-story = Story
media-link = Lien partagé
media-card = Carte
media-appointment = Rendez-vous
media-place = Lieu
media-contact = Contact
media-order = Commande
media-attachment = Pièce jointe
media-not-shown = Un type de message que { $platform } ne montre pas aux applications
media-unknown = Un type de message inconnu ici
how-button = A appuyé sur un bouton
how-referral = Venu par un lien ou une publicité
how-optin = Accepte de recevoir des messages
how-order = A envoyé une commande
how-product = A demandé un produit
how-template = A envoyé un modèle
how-mention = A mentionné la page dans une publication
note-handed-over = La conversation a été confiée à une autre application
note-taken-over = Une autre application a repris la conversation
note-asked-for = Une autre application a demandé la conversation
note-account-linking = La personne a associé un compte ou l’a dissocié
note-policy = Facebook a appliqué une règle à la Page
note-not-reached = Un message n’est pas parvenu à la personne
note-subscribed = La personne s’est abonnée
note-unsubscribed = La personne s’est désabonnée
note-opened = La personne a ouvert la discussion
note-number-changed = Le numéro ou l’identifiant de la personne a changé
note-call = Un appel
note-passed-here = La conversation a été confiée à cette application
note-meta-agent = À partir d’ici, l’agent de Meta répond
note-people-elsewhere = À partir d’ici, l’équipe de l’entreprise répond ailleurs
note-other-partner = À partir d’ici, un autre partenaire de l’entreprise répond
note-like = Quelqu’un aime la publication
note-share = Quelqu’un a partagé la publication

answer = Répondre
your-message = Votre message
send = Envoyer
sent-from-here = Envoyé d’ici
sent-by-at = { $by }, { $moment } : { $state }
state-accepted = en attente d’envoi
state-sent = envoyé
state-delivered = remis
state-read = lu
state-failed = n’a pas pu être envoyé
state-unknown = peut-être envoyé ; vérification en cours
not-sent = Non envoyé
not-sent-window = Le délai de réponse de la plateforme est passé. Il repart quand la personne écrit.
not-sent-cannot-receive = Impossible d’écrire à cette personne pour l’instant.
not-sent-blocked = La plateforme empêche le compte d’envoyer pour l’instant. La vue d’ensemble dit pourquoi.
not-sent-account = Le compte ne peut pas envoyer pour l’instant. Reconnectez-le dans la vue d’ensemble.
not-sent-queue = Trop de messages attendent déjà pour cette personne. Veuillez réessayer plus tard.
not-sent-form = Ce formulaire a déjà servi pour un autre message. Revenez en arrière et rechargez la page.
not-sent-content = Ce message ne peut pas être envoyé tel quel.
not-sent-human-window = Les réponses de personnes après le délai de la plateforme ne sont pas activées pour ce canal.
not-sent-public = Les réponses y sont publiques, et celles des bots ne sont pas activées pour ce canal.
not-sent-linkedin-partner = LinkedIn réserve l’envoi de messages directs à ses partenaires de messagerie ; LINKEDIN_MESSAGES=partner indique que cette application en est un.
not-sent-linkedin-automatic = LinkedIn interdit les messages directs automatiques : seul ce qu’une personne écrit peut être envoyé.
becomes-comment = Votre réponse devient un commentaire de la page, que tout le monde peut lire.
your-message-was = Votre message :
back-to-conversation = Retour à la conversation
reason-expired = expiré
reason-window-closed = délai de réponse passé
reason-cannot-receive = la personne ne peut pas le recevoir
reason-refused = refusé
reason-media-unusable = fichier inutilisable
reason-template-unusable = modèle inutilisable
reason-account-unavailable = compte indisponible
reason-not-owner = une autre application répond
reason-paused = en pause
reason-stopped = interrompu
reason-taken-back = retiré
reason-rate = trop de messages
reason-unresolved = sort inconnu

bots = Bots
bots-resume = Laisser les bots répondre à nouveau
bots-pause = Mettre les bots en pause ici
bots-until = jusqu’au { $moment }
bots-until-resumed = jusqu’à ce que vous les laissiez répondre à nouveau
bots-owner-lost = Une autre application répond dans cette conversation ; les bots s’y taisent jusqu’à ce qu’elle la rende.
bots-human = Une personne répond dans cette conversation. Les bots s’y taisent { $until }.
bots-app = Une autre application a répondu dans cette conversation. Les bots s’y taisent { $until }.
bots-paused = Les bots sont en pause ici { $until }.
bots-may-answer = Les bots peuvent répondre dans cette conversation.

the-bot = Le bot
bot-stop = Arrêter le bot ici
bot-start = Laisser le bot répondre ici
bot-log = Ce que le bot a fait
bot-about = Il répond à vos clients là où vous l’autorisez, avec ce que dit votre catalogue. Ce qu’ils écrivent est transmis à { $host } (modèle { $model }) et nulle part ailleurs. Vous l’activez et le désactivez sur la carte de chaque compte, dans la { $link }.
bot-about-link = vue d’ensemble
bot-spent = Aujourd’hui (UTC) : { $taken } jetons en entrée, { $given } en sortie, sur { $most } au total.
bot-try = Essayer une question
bot-question = Ce qu’un client peut demander
bot-show-answer = Voir la réponse
bot-try-hint = Rien n’est envoyé à personne. Cela coûte des jetons, comme une réponse.
bot-did = Ce qu’il a fait
bot-nothing-yet = Rien pour l’instant.
bot-no-tokens = Il ne reste plus de jetons pour aujourd’hui.
bot-too-long = Le modèle a mis trop de temps. Un client recevrait quand même sa réponse.
bot-would-read = Le client lirait :
bot-product-card = Fiche produit : { $title }
bot-would-hand-over = Il vous passerait la main : { $why }
bot-model-later = Le modèle ne répond pas pour l’instant.
bot-model-refuses = Le modèle refuse les questions. L’opérateur de ce service peut y remédier.
bot-cost = { $taken } jetons en entrée, { $given } en sortie.
bot-tokens = { $count } jetons
bot-not-sent = Réponse non envoyée
bot-answered = Répondu
bot-handed-over = Main passée
bot-dropped = Sans réponse
bot-answer-accepted = La réponse est en attente d’envoi.
bot-answer-unknown = La réponse a peut-être été envoyée ; vérification en cours.
bot-answer-sent = La réponse a été envoyée.
bot-answer-delivered = La réponse a été remise.
bot-answer-read = La réponse a été lue.
bot-answer-failed = La réponse n’a pas pu être envoyée.
bot-why-outdated = Le client a écrit à nouveau.
bot-why-answered = Quelqu’un avait déjà répondu.
bot-why-paused = Une personne répond dans cette conversation.
bot-why-not-owner = Une autre application répond dans cette conversation.
bot-why-window = Le délai de réponse de la plateforme était passé.
bot-why-account = Le compte n’a pas pu envoyer.
bot-why-cannot-receive = Impossible d’écrire à cette personne.
bot-why-public = Les réponses y sont publiques.
bot-why-not-connected = Le compte n’est pas connecté.
bot-why-gone = Le message n’est plus là.
bot-why-before = Le bot a été activé plus tard.
bot-neither = Le formulaire ne dit ni oui ni non.
bot-being-tried = Une question est déjà à l’essai. Attendez la réponse, puis réessayez.

no-shop = Aucune boutique n’est encore connectée. { $link }, et ses produits apparaîtront ici.
shops = Boutiques
products-in = { $count ->
    [one] { $count } produit dans { $shop }, le plus récent en premier
   *[other] { $count } produits dans { $shop }, les plus récents en premier
  }
search-products = Rechercher par titre, fournisseur, balise ou SKU
no-product-found = Aucun produit trouvé pour « { $words } ».
no-product-found-so-far = Aucun produit trouvé pour « { $words } » jusqu’ici.
show-all-products = Afficher tous les produits
catalogue-being-read = Le catalogue est en cours de lecture. Il apparaîtra ici dès qu’il sera complet ; { $link } montre où il en est.
catalogue-being-read-link = la vue d’ensemble
no-products = Cette boutique n’a pas encore de produits. Un produit ajouté apparaîtra ici en quelques secondes.
from-the-beginning = Depuis le début
more-products = Plus de produits
search-on = Continuer la recherche
variants-count = { $count ->
    [one] { $count } variante
   *[other] { $count } variantes
  }
untitled-product = Produit sans titre
no-price = Pas de prix
price-from = à partir de { $price }
stock-not-counted = Stock non suivi
out-of-stock = Épuisé
in-stock = { $count } en stock
nothing-to-buy = Ce produit n’a rien qui puisse être acheté.
variants = Variantes
variant = Variante
sku = SKU
price = Prix
stock = En stock
for-sale = En vente
the-product = Le produit
price-before = avant
not-counted = non suivi
yes = Oui
no = Non
more-variants = et { $count } de plus ; le fichier du catalogue les contient toutes.
product-active = Actif
product-draft = Brouillon
product-archived = Archivé
product-unlisted = Non répertorié
product-unknown = Inconnu

keys-title = Clés pour les bots
keys-about = Avec une clé, un programme à vous lit les messages de vos clients et y répond. Donnez à chaque programme sa propre clé.
keys-new = Votre nouvelle clé « { $name } »
keys-copy = Copiez-la maintenant : elle n’est montrée que cette fois.
keys-keep = Gardez-la comme un mot de passe. Qui la détient peut faire tout ce qu’elle permet.
keys-revoked-done = La clé est révoquée. Elle n’ouvre plus rien.
keys-none = Vous n’avez pas de clés. Aucun programme ne peut lire ni répondre en votre nom.
keys-dead = Plus utilisées
keys-revoked = Révoquée
keys-ended = Expirée
keys-in-use = Active
keys-all-accounts = Tous les comptes
keys-only = Seulement { $accounts }
keys-made = Créée { $when }
keys-last-used = Utilisée { $when }
keys-never-used = Jamais utilisée
keys-revoked-on = Révoquée le { $date }
keys-ended-on = Expirée le { $date }
keys-ends-on = Expire le { $date }
keys-revoke = Révoquer
keys-make = Créer une clé
keys-name = Nom
keys-name-example = Bot de vente
keys-scopes = Ce qu’elle permet
keys-read = Lire les messages, les conversations et le catalogue
keys-reply = Répondre en tant que bot, mettre en pause et reprendre des conversations
keys-human = Répondre en tant que personne : le bot se tait ensuite un moment
keys-admin = Choisir l’adresse à laquelle les nouveautés sont envoyées
keys-accounts = Pour quels comptes
keys-accounts-hint = Rien de coché : pour tous, y compris ceux que vous connecterez plus tard.
keys-end = Quand elle expire
keys-end-never = Quand je la révoque
keys-end-days = Dans { $days } jours
keys-end-year = Dans un an
keys-wrong = { $why } Aucune clé n’a été créée.
keys-wrong-name = Donnez à la clé un nom de { $most } caractères au plus.
keys-wrong-scopes = Cochez au moins une chose que la clé permet.
keys-wrong-days = Choisissez quand la clé expire.
keys-wrong-account = Un compte coché n'est plus connecté. Veuillez choisir à nouveau.
keys-wrong-many = Vous avez déjà 20 clés. Révoquez-en une dont vous n’avez plus besoin.
keys-revoke-question = Révoquer { $name } ?
keys-revoke-at-once = Les programmes qui utilisent cette clé sont refusés aussitôt ; ce qu’ils ont d’ouvert se termine en quelques secondes.
keys-revoke-stays = Les messages déjà envoyés restent.
keys-revoke-final = Cette action est irréversible. Vous pouvez créer une nouvelle clé à tout moment.
keys-revoke-this = Révoquer cette clé
keys-revoke-not = La garder
keys-revoke-title = Révoquer une clé

bad-request = Demande incorrecte
not-signed-in = Non identifié
not-signed-in-detail = Vous n’êtes pas identifié.
not-allowed = Non autorisé
not-found = Introuvable
not-found-detail = Il n’y a rien à cette adresse.
method-not-allowed = Méthode non autorisée
method-not-allowed-detail = Cette adresse ne connaît pas cette méthode.
conflict = Conflit
platform-busy = La plateforme est occupée
platform-busy-detail = { $platform } est occupé et nous demande d’attendre. Rien n’a été modifié ; veuillez réessayer dans quelques minutes.
platform-silent = La plateforme n’a pas répondu
platform-silent-detail = { $platform } n’a pas répondu comme prévu. Rien n’a été modifié ; veuillez réessayer dans quelques minutes.
unavailable = Indisponible
not-now = Pas pour l’instant
not-now-detail = Le service ne peut rien lire ni enregistrer pour l’instant. Veuillez réessayer dans un instant.
went-wrong = Un problème est survenu
went-wrong-detail = Un problème est survenu de notre côté. Veuillez réessayer.
form-expired = Ce formulaire a expiré. Revenez en arrière, rechargez la page et réessayez.
form-of-another-site = Ce formulaire se trouvait sur un autre site.
cannot-store = Le service ne peut rien enregistrer pour l’instant.
starting = Le service démarre ou s’arrête.
took-too-long = Cela a pris trop de temps. Veuillez réessayer.
refused-method = Impossible
refused-method-detail = Ce service ne connaît pas cette méthode.
refused-long-url = Trop long
refused-long-url-detail = Cette adresse est trop longue.
refused-host-detail = La demande doit nommer un seul hôte.
refused-compressed = Compressée
refused-compressed-detail = Les demandes compressées ne sont pas acceptées.
refused-large = Trop volumineux
refused-large-detail = Cette demande est trop volumineuse.
refused-unreadable-detail = La demande a été interrompue ou n’a pas pu être lue.
refused-slow = Trop lent
refused-slow-detail = La demande n’est pas arrivée à temps.
refused-often = Trop souvent
refused-often-detail = Cela a été demandé trop souvent depuis votre adresse. Veuillez patienter une minute.
refused-busy = Occupé
refused-busy-detail = Le service est occupé. Veuillez réessayer dans un instant.
form-incomplete = Il manque quelque chose dans le formulaire. Revenez en arrière et réessayez.

connect-this = Connecter ceci ?
connect-this-not = Non, vers l’accueil
connect-this-yes = Oui, connecter
login-of-another-site = Une page d’un autre site veut connecter { $what } ici, où vous êtes identifié avec l’un de vos comptes. Qui gère l’un pourra lire les conversations de l’autre. Ne continuez que si vous le voulez vous-même.
login-of-another-site-beside = Une page d’un autre site veut connecter { $what } ici, où vous êtes identifié avec { $names }. Qui gère l’un pourra lire les conversations de l’autre. Ne continuez que si vous le voulez vous-même.
login-used = Ce lien de connexion a déjà servi, a expiré ou appartient à un autre navigateur. Si votre compte apparaît comme connecté, tout va bien ; sinon, recommencez la connexion.
login-overtaken = Rien n’a été connecté : quelqu’un d’autre a connecté le même compte au même moment, et il lui appartient maintenant. Si c’était vous dans une autre fenêtre, continuez là-bas ; sinon, demandez à qui gère le compte avec vous.
too-many-logins = Trop de connexions sont en cours. Veuillez réessayer dans quelques minutes.
being-erased = Ce qui était connu de ce compte est encore en cours d’effacement. Reconnectez-le dans quelques minutes.
nothing-was-connected = Rien n’a été connecté : { $why }
shopify-connect = Connectez votre boutique Shopify
shopify-field = Le nom de votre boutique, comme dans son adresse .myshopify.com
shopify-wrong-name = Ce n’est pas le nom d’une boutique Shopify. Il ressemble à my-shop ou my-shop.myshopify.com.
facebook-connect = Connectez votre Page Facebook
instagram-connect = Compte Instagram de votre Page
facebook-continue = Continuer avec Facebook

facebook-shop-first = Connectez d’abord votre boutique ; revenez ensuite connecter votre Page.
facebook-what = les Pages du compte Facebook de ce navigateur
facebook-session-changed = Votre session a pris fin ou a changé entre-temps. Ouvrez l’accueil et reconnectez-vous.
facebook-declined = Facebook indique que les autorisations n’ont pas été accordées ; rien n’a donc été connecté. Pour réessayer, ouvrez l’accueil et choisissez « Continuer avec Facebook ».
facebook-no-code = La réponse de Facebook ne contient pas de code.
facebook-permissions-missing = Rien n’a été connecté : ces autorisations n’ont pas été accordées : { $permissions }. Ouvrez l’accueil, choisissez « Continuer avec Facebook » et laissez-les cochées.
facebook-more-pages = Autres Pages
facebook-more-pages-why = Facebook n’a pas nommé toutes vos Pages. Celles qui manquent ici seront connectées par une autre connexion. { $why }
facebook-your-pages = Vos Pages
facebook-no-pages = Facebook ne montre à cette application aucune de vos Pages ; rien n’a donc été connecté. Choisissez vos Pages dans la fenêtre de Facebook, ou connectez-vous comme une personne qui y a un rôle. Si votre Page appartient à un portefeuille business, une personne avec le contrôle total doit vous l’attribuer (Meta Business Suite, Paramètres, Pages, « Affecter des personnes ») en autorisant les messages. Reconnectez-vous ensuite.
facebook-login-used = Facebook indique que cette connexion a déjà servi ou a expiré. Si votre Page apparaît comme connectée, tout va bien ; sinon, recommencez la connexion.
facebook-not-confirmed = Facebook ne confirme pas cette connexion. Veuillez la recommencer.
facebook-unreadable-id = Son identifiant est illisible.
facebook-no-access = Facebook n’y donne pas accès.
facebook-may-not-answer = Vous ne pouvez pas y répondre aux messages. Demandez la tâche « Messages » dans les paramètres de la Page.
facebook-in-portfolio = Facebook n’y donne pas accès. Si elle appartient à un portefeuille business, une personne avec le contrôle total doit vous l’attribuer (Meta Business Suite, Paramètres, Pages, « Affecter des personnes ») en autorisant les messages. Reconnectez-vous ensuite.
facebook-of-another-shop = Elle est déjà connectée ici à une autre boutique. Connectez-vous avec cette boutique pour l’y utiliser, ou demandez à l’opérateur de la libérer.
facebook-not-signed = Ce n’est pas une demande signée par Facebook pour cette application.
to-come-lasting = une connexion durable
to-come-granted = ce que vous avez autorisé
to-come-access = l’accès à la Page
to-come-subscription = l’abonnement au webhook
to-come-page-details = les informations de la Page
to-come-more-pages = d’autres Pages à vous

shopify-what = la boutique { $shop }
shopify-forged-link = Ce lien ne vient pas de Shopify ou a été modifié en chemin. Rouvrez l’application depuis Shopify.
shopify-old-link = Ce lien de Shopify est trop ancien. Rouvrez l’application depuis Shopify.
shopify-forged = Cette réponse ne vient pas de Shopify ou a été modifiée en chemin. Recommencez la connexion.
shopify-declined = Shopify indique que l’application n’a pas été installée ; rien n’a donc été connecté. Pour réessayer, ouvrez l’accueil et connectez votre boutique.
shopify-old-answer = Cette réponse de Shopify est trop ancienne. Recommencez la connexion.
shopify-another-shop = Cette réponse concerne une autre boutique que la connexion. Veuillez la recommencer.
shopify-no-products = Rien n’a été connecté : l’autorisation de lire les produits n’a pas été accordée. Reconnectez votre boutique et laissez-la telle quelle sur l’écran de Shopify.
shopify-login-used = Shopify indique que cette connexion a déjà servi ou a expiré. Si votre boutique apparaît comme connectée, tout va bien ; sinon, recommencez la connexion.
to-come-shop-details = les informations de la boutique
to-come-subscriptions = les abonnements aux webhooks

problems = { $first } ; { $second }
list = { $first }, { $second }
sentences = { $first } { $second }
platform-limits = { $platform } limite le nombre de demandes. La lecture reprend d’elle-même après une pause.
platform-later = { $platform } ne répond pas correctement pour l’instant. Nous redemanderons automatiquement.
platform-unreadable = Les réponses de { $platform } sont illisibles pour l’instant. Nous redemanderons automatiquement.
platform-refuses = { $platform } refuse la demande (code { $code }).

facebook-blocked = Facebook a bloqué cette application ou cette Page pour un temps, pour non-respect de ses règles (code 368). La règle est indiquée dans la Boîte de réception de l’assistance de la Page ; la lecture reprend d’elle-même à la fin du blocage.
facebook-restricted = Facebook a limité pour un temps l’envoi de messages de la Page (code 10). Consultez la Boîte de réception de l’assistance de la Page.
facebook-not-allowed = Facebook ne permet pas de lire la Page (code { $code }). Choisissez à nouveau « Continuer avec Facebook » et laissez toutes les autorisations cochées.
facebook-not-allowed-without = Facebook ne le permet pas sans l’autorisation { $permission } (code { $code }). Choisissez à nouveau « Continuer avec Facebook » et laissez toutes les autorisations cochées.
facebook-token-removed = L’application a été retirée du compte Facebook. Veuillez reconnecter la Page.
facebook-token-checkpoint = Facebook veut que vous vous y connectiez et confirmiez votre identité. Reconnectez ensuite la Page.
facebook-token-password = Le mot de passe du compte Facebook a été modifié. Veuillez reconnecter la Page.
facebook-token-expired = La connexion à Facebook a expiré. Veuillez reconnecter la Page.
facebook-token-unconfirmed = Le compte Facebook n’est pas confirmé. Confirmez-le, puis reconnectez la Page.
facebook-token-no-role = La personne qui a connecté la Page n’y a plus de rôle. Quelqu’un qui en a un doit la reconnecter.
facebook-token-refused = Facebook refuse la connexion enregistrée. Veuillez reconnecter la Page.
facebook-token-gone = La connexion enregistrée n’existe plus. Veuillez reconnecter la Page.
facebook-token-another-app = Ce service est désormais une autre application chez Facebook. Veuillez reconnecter la Page.
facebook-setup = Ce service n’est pas bien configuré chez Facebook (code { $code }). Son opérateur doit y remédier.
facebook-unreachable = Facebook indique qu’une personne n’est pas joignable (code 551).
facebook-not-visible = Facebook ne montre plus quelque chose qui existait (code 100/33).
facebook-too-large = Pour Facebook, les conversations de la Page sont trop volumineuses pour être lues d’un coup.
facebook-page-gone = Facebook ne montre plus cette Page : elle a été supprimée, masquée ou retirée à la personne qui l’a connectée. Si elle revient, la lecture reprend d’elle-même.
facebook-permission-missing = il manque une autorisation ({ $permissions }) ; choisissez à nouveau « Continuer avec Facebook » et cochez-la
facebook-subscription-refused = Facebook refuse de remettre les messages (l’abonnement au webhook a été refusé, code { $code })
facebook-delivers-nothing = Facebook ne remet rien à ce service pour l’instant (code { $code }), et son opérateur est prévenu ; les messages arrivent avec la lecture quotidienne
facebook-policy-block = Facebook a bloqué l’envoi de messages de la Page pour non-respect de ses règles ; consultez la Boîte de réception de l’assistance de la Page
facebook-policy-warning = Facebook avertit la Page pour non-respect de ses règles ; consultez la Boîte de réception de l’assistance de la Page
facebook-ended = l’autorisation de Facebook de lire la Page a pris fin le { $date } ; choisissez à nouveau « Continuer avec Facebook » pour la renouveler
facebook-ends-soon = L’autorisation de Facebook de lire la Page prend fin le { $date }. Choisissez « Continuer avec Facebook » avant ce jour pour la renouveler.

shopify-inactive = cette boutique n’est pas active chez Shopify : en pause ou fermée. La lecture reprend d’elle-même quand elle rouvre.
shopify-token-refused = Shopify refuse la connexion enregistrée : l’application a été désinstallée ou l’accès révoqué. Veuillez reconnecter la boutique.
shopify-token-old-kind = Shopify n’accepte plus l’ancien type de connexion. Veuillez reconnecter la boutique.
shopify-token-dead = Shopify refuse la connexion enregistrée. Veuillez reconnecter la boutique.
shopify-not-renewed = Shopify refuse de renouveler la connexion : l’application a été désinstallée ou ce service est mal configuré. Veuillez reconnecter la boutique.
shopify-limits = Shopify limite le nombre de demandes pour cette boutique. La lecture reprend d’elle-même après une pause.
shopify-denied = Shopify refuse une autorisation (ACCESS_DENIED). Reconnectez la boutique pour l’accorder.
shopify-too-dear = Pour Shopify, une partie du catalogue est trop volumineuse pour être demandée (MAX_COST_EXCEEDED). L’opérateur de ce service doit y remédier.
shopify-refuses = Shopify refuse la demande ({ $code }). L’opérateur de ce service doit y remédier.
shopify-frozen = Shopify a gelé cette boutique, le plus souvent pour une facture impayée. La lecture reprend d’elle-même quand elle rouvre.
shopify-no-such-shop = Shopify ne connaît pas de boutique à cette adresse : elle a peut-être fermé définitivement. Nous redemandons toutes les heures.
shopify-locked = Shopify a verrouillé cette boutique. La lecture reprend d’elle-même quand elle rouvre.
shopify-moved = cette boutique a désormais une autre adresse chez Shopify : elle a été renommée. Reconnectez-la sous son nouveau nom.
shopify-forbidden = Shopify interdit l’utilisation de cette boutique pour l’instant. La lecture reprendra d’elle-même ensuite.
shopify-renamed = cette boutique s’appelle désormais { $shop } chez Shopify. Reconnectez-la sous son nouveau nom ; ce qui a été lu sous l’ancien reste tel quel.
shopify-part-denied = il manque une autorisation ({ $permissions }). Reconnectez la boutique pour l’accorder.
shopify-permission-missing = il manque une autorisation ({ $permissions }) ; reconnectez la boutique pour l’accorder
shopify-not-delivered = Shopify refuse de remettre { $what }
export-consequence = { $why } Le catalogue est lu page par page, ce qui prend plus de temps et donne le même résultat. L’export sera retenté à la prochaine lecture complète, au plus tôt dans un jour.
export-refused = L’export de Shopify ({ $what }) a été refusé ({ $code }).
export-not-told = Shopify refuse de renseigner sur son export ({ $code }).
export-answers-unreadable = Les réponses de Shopify sur son export sont illisibles ({ $why }).
export-denied = Une autorisation a été refusée à l’export de Shopify ({ $what }) (ACCESS_DENIED).
export-fault = L’export de Shopify ({ $what }) a échoué par une erreur de Shopify (INTERNAL_SERVER_ERROR).
export-timeout = L’export de Shopify ({ $what }) a pris trop de temps (TIMEOUT).
export-failed = L’export de Shopify ({ $what }) a échoué ({ $code }).
export-expired = L’export de Shopify ({ $what }) a expiré avant d’être récupéré (EXPIRED).
export-canceled = L’export de Shopify ({ $what }) a été annulé chez Shopify (CANCELED).
export-unknown-end = L’export de Shopify ({ $what }) s’est terminé d’une façon inconnue ici ({ $code }).
export-gone = L’export de Shopify ({ $what }) n’est plus connu chez Shopify.
export-not-begun = L’export de Shopify ({ $what }) n’a pas commencé après une demi-heure.
export-endless = L’export du catalogue de Shopify n’est pas terminé après six heures.
export-elsewhere = L’export de Shopify ({ $what }) se trouve à une adresse qui n’est pas connue comme celle de Shopify ; il n’a pas été récupéré.
export-not-given-out = L’export de Shopify ({ $what }) n’est pas fourni ({ $code }).
export-breaks-off = L’export de Shopify ({ $what }) s’interrompt avant la fin.
export-unreadable = L’export de Shopify ({ $what }) est illisible ({ $why }).
export-orphan = L’export de Shopify ({ $what }) est incomplet : un objet n’a pas son objet parent.

whatsapp-blocked = WhatsApp a bloqué le compte professionnel pour non-respect de ses règles. Le Gestionnaire WhatsApp indique la règle ; l’envoi reprend de lui-même à la fin du blocage.
whatsapp-restricted = WhatsApp a limité pour un temps l’envoi du numéro. Consultez le Gestionnaire WhatsApp.
whatsapp-payment = WhatsApp ne peut pas débiter le compte professionnel (code 131042) : le moyen de paiement manque ou a été refusé. Consultez la facturation dans le Gestionnaire WhatsApp.
whatsapp-not-registered = Le numéro n’est pas enregistré pour envoyer sur WhatsApp (code { $code }). Consultez le Gestionnaire WhatsApp.
whatsapp-not-allowed = WhatsApp ne le permet pas au jeton des réglages (code { $code }). Son utilisateur système a besoin du numéro et des autorisations { $permissions }.
whatsapp-token-expired = Le jeton d’accès à WhatsApp a expiré. Renouvelez WHATSAPP_ACCESS_TOKEN.
whatsapp-token-refused = WhatsApp refuse le jeton d’accès des réglages. Renouvelez WHATSAPP_ACCESS_TOKEN.
whatsapp-token-ends = Le jeton d’accès à WhatsApp expire le { $date }. Créez-en avant un nouveau pour l’utilisateur système et mettez-le dans WHATSAPP_ACCESS_TOKEN.
whatsapp-may-not-send = le jeton des réglages ne peut pas envoyer : il lui manque l’autorisation { $permission }
whatsapp-subscription-refused = WhatsApp refuse de remettre les messages (l’abonnement a été refusé, code { $code })
whatsapp-another-address = WhatsApp remet les messages du numéro à une autre adresse que WHATSAPP_WEBHOOK_ADDRESS
whatsapp-fields-missing = l’application ne reçoit pas ces champs du webhook : { $fields }

viber-token-refused = Viber refuse le jeton du bot. Son opérateur met le nouveau dans VIBER_BOT_TOKEN et redémarre le service.
viber-blocked = Viber a bloqué le bot (statut 7). Son assistance dit pourquoi ; nous vérifions toutes les heures.
viber-unknown-bot = Viber ne connaît plus le bot (statut 8). Son assistance dit pourquoi.
viber-suspended = Viber a suspendu le bot (statut 9). Son assistance dit pourquoi ; nous vérifions toutes les heures.
viber-terms = Viber ne permet pas cela au bot (statut 15) : ses conditions commerciales manquent peut-être.
viber-another-bot = VIBER_BOT_TOKEN est le jeton d’un autre bot, ou Viber n’a pas encore dit duquel. Rien n’est envoyé en tant que celui-ci.
viber-not-delivered-unreachable = Viber ne remet pas les messages à VIBER_WEBHOOK_ADDRESS : il ne joint pas l’adresse ou ne se fie pas à son certificat (statut 1).
viber-not-delivered = Viber ne remet pas les messages à VIBER_WEBHOOK_ADDRESS : il refuse l’adresse (statut { $code }).

linkedin-token-refused = LinkedIn refuse le jeton de la page : il a expiré ou a été retiré. Son opérateur en crée un nouveau, le met dans LINKEDIN_ACCESS_TOKEN et redémarre le service.
linkedin-refresh-refused = LinkedIn refuse de renouveler le jeton de la page. Son opérateur en crée de nouveaux, les met dans LINKEDIN_ACCESS_TOKEN et LINKEDIN_REFRESH_TOKEN et redémarre le service.
linkedin-not-allowed = LinkedIn ne permet pas cela à l’application ou au membre dont c’est le jeton (code { $code }) : il manque un produit de l’application, une autorisation ou le rôle d’administrateur de la page
linkedin-version = LinkedIn ne propose plus cette version de son API. Son opérateur met une version plus récente dans LINKEDIN_VERSION.
linkedin-limits = LinkedIn limite le nombre de demandes par jour. Nous redemanderons automatiquement.
linkedin-another-page = LINKEDIN_ORGANIZATION_ID désigne une autre page. Rien n’est envoyé en tant que celle-ci.
linkedin-not-shown = LinkedIn ne montre pas l’abonnement (code { $code })
linkedin-no-subscription = LinkedIn n’a pas d’abonnement à l’activité de la page ; avec LINKEDIN_APPLICATION_ID, le service en crée un
linkedin-no-administrator = le membre de LINKEDIN_ACCESS_TOKEN n’administre pas la page ; personne ne peut donc s’abonner à son activité
linkedin-not-delivered = LinkedIn refuse de remettre l’activité de la page à LINKEDIN_WEBHOOK_ADDRESS (code { $code }) : l’adresse doit d’abord être saisie sous Webhooks dans le portail des développeurs, où LinkedIn la vérifie

bot-hand-no-answer = Le modèle n’a pas donné de réponse.
bot-hand-too-long = La réponse du modèle était trop longue.
bot-hand-markup = La réponse du modèle était du balisage et non du texte.
bot-hand-address = La réponse du modèle contenait une adresse qui n’est pas celle de la boutique.
bot-hand-price = La réponse du modèle contenait un prix absent du catalogue.
bot-hand-span = La réponse du modèle indiquait un délai qui ne figure dans rien de ce qui lui a été dit.
bot-hand-number = La réponse du modèle contenait un nombre qui ne figure dans rien de ce qui lui a été dit.
bot-hand-unfinished = La réponse du modèle n'était pas une réponse, mais un élément de son fonctionnement interne.
bot-hand-another-customer = La réponse du modèle nommait un autre client.
bot-hand-unreadable = La réponse du modèle était illisible.
bot-hand-cut = La réponse du modèle était coupée.
bot-hand-declined = Le modèle n’accepte pas cette question.
bot-hand-endless = Le modèle n’a pas trouvé de réponse.
bot-hand-wanted = Le modèle souhaite qu’une personne réponde.
bot-hand-prompt = Le fichier BOT_PROMPT_FILE est vide ou illisible.
bot-hand-over-budget = Le bot a épuisé ses jetons du jour.
bot-hand-cannot-read = Le client a envoyé quelque chose que le bot ne peut pas lire.
bot-hand-refuses = Le modèle refuse les questions.
bot-hand-late = Le modèle n’a pas répondu à temps.
bot-hand-account-late = Le compte n’a pas pu envoyer à temps.
bot-hand-channel = La réponse du modèle ne peut pas être envoyée sur ce canal.
bot-hand-nobody = Personne n’a répondu depuis que le bot a passé la main.
bot-hand-window = Le délai de réponse de la plateforme a pris fin avant que le bot ne réponde.
bot-hand-not-sent = La réponse du bot n’a pas pu être envoyée.
bot-hand-not-taken = La plateforme n’a pas accepté la réponse du bot.
bot-hand-unknown = Personne ne sait si la réponse du bot est parvenue au client.
bot-hand-fault = Le bot n’a pas pu traiter ce message.
