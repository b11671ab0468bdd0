# Español. Tratamiento neutro, de usted cuando hace falta. Una Facebook Page es una página.

date = { $day } { $month ->
    [1] ene
    [2] feb
    [3] mar
    [4] abr
    [5] may
    [6] jun
    [7] jul
    [8] ago
    [9] sept
    [10] oct
    [11] nov
   *[12] dic
  } { $year }
moment = { $day } { $month ->
    [1] ene
    [2] feb
    [3] mar
    [4] abr
    [5] may
    [6] jun
    [7] jul
    [8] ago
    [9] sept
    [10] oct
    [11] nov
   *[12] dic
  } { $year }, { $clock } UTC
day = { $weekday ->
    [1] lunes
    [2] martes
    [3] miércoles
    [4] jueves
    [5] viernes
    [6] sábado
   *[7] domingo
  }, { $day } de { $month ->
    [1] enero
    [2] febrero
    [3] marzo
    [4] abril
    [5] mayo
    [6] junio
    [7] julio
    [8] agosto
    [9] septiembre
    [10] octubre
    [11] noviembre
   *[12] diciembre
  } de { $year }
date-in-full = { $day } de { $month ->
    [1] enero
    [2] febrero
    [3] marzo
    [4] abril
    [5] mayo
    [6] junio
    [7] julio
    [8] agosto
    [9] septiembre
    [10] octubre
    [11] noviembre
   *[12] diciembre
  } de { $year }
just-now = ahora mismo
minutes-ago = { $count ->
    [one] hace un minuto
   *[other] hace { $count } minutos
  }
hours-ago = { $count ->
    [one] hace una hora
   *[other] hace { $count } horas
  }
yesterday = ayer
days-ago = { $count ->
    [one] hace un día
   *[other] hace { $count } días
  }
in-a-moment = en un momento
in-minutes = { $count ->
    [one] en un minuto
   *[other] en { $count } minutos
  }

skip = Ir al contenido
main-navigation = Menú principal
overview = Resumen
conversations = Conversaciones
catalogue = Catálogo
keys = Claves
account = Cuenta
pages = Páginas
breadcrumb = Ruta
times-are-utc = Horas en UTC.
language = Idioma
language-change = Cambiar idioma
search = Buscar
you = Usted
bot = Bot
back-to-start = Volver al inicio
to-start = Ir al inicio

connected = Conectada
connected-in-part = Conectada en parte
not-connected = Sin conectar
cannot-answer = No puede responder
log-in-again = Vuelva a iniciar sesión

welcome-title = Cada conversación y todo el catálogo, siempre a mano
welcome = shoptalk conecta su tienda con su página y tiene listo para su bot de ventas lo que escriben sus clientes y lo que usted vende.
no-platform = Todavía no hay ninguna plataforma configurada. Todos los ajustes se explican en { $file }.
step = Paso { $number }:
after-first-step = Viene después del primer paso.
connect = Conectar
connect-another = Conectar otra
connect-another-account = Conectar otra cuenta
still-to-connect = Por conectar
sign-out = Cerrar sesión
session-ended = Su sesión ha terminado. Conecte de nuevo su tienda para entrar; no se ha perdido nada.
session-closed = Ha cerrado la sesión en esta página. Sus cuentas siguen conectadas.
read-again = Se está leyendo todo de nuevo.
all-connected = Todo está conectado. Los mensajes nuevos y los cambios del catálogo llegan solos.
all-well = Los mensajes nuevos y los cambios del catálogo llegan solos.
being-finished = Conectada. Falta algo, que llegará solo.
accounts-need-you = { $count ->
    [one] Una cuenta necesita su atención.
   *[other] { $count } cuentas necesitan su atención.
  }
latest-conversations = Últimas conversaciones
all-conversations = Todas las conversaciones
nobody-has-written = Todavía no ha escrito nadie. En cuanto lo haga un cliente, la conversación aparecerá aquí.
disconnected = Desconectadas
is-disconnected = { $platform } ({ $noun } { $account }): sin conexión.
connect-again = Volver a conectar { $platform }
last-event = Último evento
none-yet = ninguno todavía
last-read = Última lectura completa
not-yet = todavía no
connected-since = Conexión
sync-now = Sincronizar ahora
disconnect = Desconectar
log-in-to-again = Volver a iniciar sesión en { $platform }
answers-not-sent = Las respuestas no se están enviando. { $why }
nobody-has-to = No hay que hacer nada.
login-not-accepted = { $platform } ya no acepta el inicio de sesión guardado.
still-taken-in = Los mensajes nuevos se siguen recibiendo.
not-notified = { $platform } no nos avisa de: { $what }. Se intenta de nuevo cada hora; mientras tanto, la lectura cubre los huecos.
reading-given-up = La lectura ha fallado varias veces y se ha abandonado. «Sincronizar ahora» lo intenta de nuevo.
reading-failed = La última lectura ha fallado. Se intentará de nuevo { $when }.
reading = Leyendo: { $what }
reading-of = Leyendo: { $what } ({ $done } de { $known })
reading-so-far = Leyendo: { $what } ({ $done } hasta ahora)
reading-begins = La lectura empieza en un momento.
reading-incomplete = La lectura está incompleta: { $why }
reading-pauses = La lectura está en pausa: { $why }
to-come = Pendiente: { $what }. { $why }

account-of = { $platform } · { $noun }
noun-page = página
noun-instagram = cuenta de Instagram
noun-shop = tienda
noun-number = número
noun-bot = bot
noun-linkedin = página

what-products = productos
what-variants = variantes
what-stock = existencias
what-discounts = descuentos
what-collections = colecciones
what-changed-products = productos modificados
what-shop = la tienda
what-products-by-page = productos, página a página porque falló la exportación de Shopify
what-conversations = conversaciones
what-older-ids = identificadores de mensajes antiguos
what-page-metadata = datos de la página

disconnect-question = ¿Desconectar { $name }?
disconnect-tells = { $platform } deja de informarnos; se lo pedimos y comprobamos que lo haya hecho.
disconnect-erases = Se borra el inicio de sesión guardado y no se lee nada más.
disconnect-keeps = Las conversaciones y los archivos que ya están aquí se conservan. «Eliminar mis datos», en Cuenta, los borra.
disconnect-again = Puede volver a conectar cuando quiera ({ $noun }).
keep-connected = Mantener la conexión
disconnected-checked = Desconectada. Se preguntó después a { $platform }, y ya no nos informa ({ $noun }).
disconnected-with-another = Desconectada. Hasta que se desconecte también la cuenta a la que pertenece ({ $noun }), seguimos recibiendo avisos; se apartan y no se muestran en ningún sitio.
disconnected-unconfirmed = Desconectada: se ha borrado nuestro inicio de sesión y no se lee nada más. Pero { $platform } no ha confirmado que deje de informarnos ({ $noun }). { $part } Lo que aún llegue se aparta y no se muestra en ningún sitio.
part-facebook = En Facebook, abra Configuración → Integraciones comerciales y elimine esta aplicación.
part-shopify = En Shopify, abra Configuración → Apps y canales de ventas y desinstale esta app.
part-whatsapp = En el administrador de WhatsApp, abra el usuario del sistema de la aplicación y retire su acceso a la cuenta de WhatsApp.
part-viber = Pida a Viber un token nuevo para el bot; el anterior dejará de servir.
part-linkedin = En LinkedIn, abra Ajustes → Privacidad de datos → Servicios permitidos y elimine esta aplicación.
needs-login-first = Esta cuenta necesita un nuevo inicio de sesión antes de poder leerse.

sign-out-means = Termina su sesión en este navegador. Sus cuentas siguen conectadas y los mensajes siguen llegando. Para volver, conecte de nuevo su tienda.
export = Exportar mis datos
export-means = Todo lo que se guarda de sus cuentas en un archivo zip: conversaciones, catálogo, copias de adjuntos y conexiones.
export-under-way = Sus datos ya se están exportando. Espere a que termine.
delete = Eliminar mis datos
delete-more = Eliminar mis datos …
delete-means = Desconecta todas las cuentas y borra lo que se guarda de ellas: inicios de sesión, conversaciones, catálogo, archivos.
delete-question = ¿Eliminar todos mis datos?
delete-concerns = No se puede deshacer. Afecta a:
not-connected-any-more = { $account } (ya no está conectada)
delete-receipt = Recibirá la dirección de un comprobante que indica cuándo ha terminado; no nombra a nadie.
delete-word = eliminar
delete-type = Escriba «{ $word }» para continuar
delete-not-typed = Eso no era «{ $word }». No se ha eliminado nada.
delete-everything = Eliminar todo
keep-data = Conservar mis datos

request = Su solicitud
receipt-nothing = No se ha encontrado nada de esta solicitud, así que no había nada que borrar. Estas solicitudes nombran a la persona que conectó una cuenta aquí; los mensajes enviados a la página de una tienda los guarda esa tienda.
receipt-disconnected = Las cuentas se han desconectado: su acceso se ha borrado y no se lee nada más.
receipt-erased = Todo lo que pertenece a esta solicitud se ha borrado de bases de datos y archivos.
receipt-under-way = Los datos se están borrando. Tarda unos minutos y nunca más de un día.
receipt-unconfirmed = { $platform } no ha confirmado que deje de informarnos ({ $noun }). { $part }
receipt-code = Código: { $code }
receipt-received = Recibida
receipt-done = Terminada
receipt-events = Mensajes y otros eventos borrados
receipt-files = Archivos borrados
receipt-objects = Copias borradas en el almacenamiento de objetos
receipt-connections = Conexiones terminadas
receipt-keep = Esta página no nombra a nadie. Guarde el código si quiere volver a ella.

no-conversations = Todavía no hay conectada ninguna cuenta con conversaciones. { $link }, y lo que escriban los clientes aparecerá aquí.
connect-one = Conecte una
accounts = Cuentas
with-on = con { $name } en { $platform }
search-conversations = Buscar por nombre, texto o ID
nobody-has-written-list = Todavía no ha escrito nadie. En cuanto lo haga un cliente, la conversación aparecerá aquí, la más reciente primero.
no-more-conversations = No hay más conversaciones.
back-to-newest = Volver a las más recientes
newest = Más recientes
older-conversations = Conversaciones anteriores
people = Personas
messages = Mensajes
nothing-found = No se ha encontrado nada para «{ $words }».
nothing-found-so-far = Por ahora no se ha encontrado nada para «{ $words }».
show-all-conversations = Ver todas las conversaciones
searched-back-to = Buscado hasta el { $date }.
search-further = Buscar más atrás
you-said = Usted:
older-than-kept = Anterior a lo que se guarda aquí; está en el archivo de la cuenta
messages-word = { $count ->
    [one] mensaje
   *[other] mensajes
  }

person-on = { $person } en { $platform }
earlier-messages = Mensajes anteriores
newest-messages = Mensajes más recientes
messages-older-than-kept = Estos mensajes son anteriores a lo que se guarda aquí; están en el archivo de la conversación.
a-message = Un mensaje
message-unsent = Mensaje anulado
invisible-message = Un mensaje sin texto visible
earlier-message = Un mensaje anterior
answers-message = Responde a:
show-whole = Ver el mensaje completo
media-from = { $media } de { $name }
from-you = usted
edited = editado
read = leído
you-reacted = usted:
reacted = reaccionó
they-reacted = reacción:

media-photo = Foto
media-video = Vídeo
media-voice = Mensaje de voz
media-sound = Audio
media-file = Archivo
media-sticker = Sticker
media-reel = Reel compartido
media-post = Publicación compartida
media-story = Historia
media-link = Enlace compartido
media-card = Tarjeta
media-appointment = Cita
media-place = Lugar
media-contact = Contacto
media-order = Pedido
media-attachment = Adjunto
media-not-shown = Un tipo de mensaje que { $platform } no muestra a las aplicaciones
media-unknown = Un tipo de mensaje que aquí no se conoce
how-button = Pulsó un botón
how-referral = Llegó por un enlace o un anuncio
how-optin = Aceptó recibir mensajes
how-order = Envió un pedido
how-product = Preguntó por un producto
how-template = Envió una plantilla
how-mention = Mencionó la página en una publicación
note-handed-over = La conversación se pasó a otra aplicación
note-taken-over = Otra aplicación se hizo cargo de la conversación
note-asked-for = Otra aplicación pidió la conversación
note-account-linking = La persona vinculó una cuenta o la desvinculó
note-policy = Facebook aplicó una política a la página
note-not-reached = Un mensaje no llegó a la persona
note-subscribed = La persona se suscribió
note-unsubscribed = La persona canceló la suscripción
note-opened = La persona abrió el chat
note-number-changed = Cambió el número o el ID de la persona
note-call = Una llamada
note-passed-here = La conversación se pasó a esta aplicación
note-meta-agent = A partir de aquí responde el agente de Meta
note-people-elsewhere = A partir de aquí responde el equipo de la empresa en otro lugar
note-other-partner = A partir de aquí responde otro socio de la empresa
note-like = A alguien le gusta la publicación
note-share = Alguien compartió la publicación

answer = Responder
your-message = Su mensaje
send = Enviar
sent-from-here = Enviado desde aquí
sent-by-at = { $by }, { $moment }: { $state }
state-accepted = pendiente de envío
state-sent = enviado
state-delivered = entregado
state-read = leído
state-failed = no se pudo enviar
state-unknown = quizá se envió; se está comprobando
not-sent = No enviado
not-sent-window = El plazo de respuesta de la plataforma ha terminado. Se abre de nuevo cuando la persona escriba.
not-sent-cannot-receive = Ahora no se puede escribir a esta persona.
not-sent-blocked = La plataforma no permite que la cuenta envíe en este momento. El resumen dice por qué.
not-sent-account = La cuenta no puede enviar en este momento. Conéctela de nuevo en el resumen.
not-sent-queue = Ya hay demasiados mensajes en espera para esta persona. Inténtelo más tarde.
not-sent-form = Este formulario ya se usó para otro mensaje. Vuelva atrás y recargue la página.
not-sent-content = Este mensaje no se puede enviar tal como está.
not-sent-human-window = Las respuestas de personas fuera del plazo de la plataforma no están activadas para este canal.
not-sent-public = Allí las respuestas son públicas, y las de bots no están activadas para este canal.
not-sent-linkedin-partner = LinkedIn solo permite enviar mensajes directos a sus socios de mensajería; LINKEDIN_MESSAGES=partner indica que esta aplicación lo es.
not-sent-linkedin-automatic = LinkedIn prohíbe los mensajes directos automáticos: solo se puede enviar lo que escribe una persona.
becomes-comment = Su respuesta será un comentario de la página que todos pueden leer.
your-message-was = Su mensaje era:
back-to-conversation = Volver a la conversación
reason-expired = caducado
reason-window-closed = plazo de respuesta terminado
reason-cannot-receive = la persona no puede recibirlo
reason-refused = rechazado
reason-media-unusable = archivo no utilizable
reason-template-unusable = plantilla no utilizable
reason-account-unavailable = cuenta no disponible
reason-not-owner = responde otra aplicación
reason-paused = en pausa
reason-stopped = detenido
reason-taken-back = anulado
reason-rate = demasiados mensajes
reason-unresolved = sin resolver

bots = Bots
bots-resume = Dejar que los bots respondan de nuevo
bots-pause = Pausar los bots aquí
bots-until = hasta el { $moment }
bots-until-resumed = hasta que les deje responder de nuevo
bots-owner-lost = Otra aplicación responde en esta conversación; los bots callan aquí hasta que la devuelva.
bots-human = Una persona responde en esta conversación. Los bots callan aquí { $until }.
bots-app = Otra aplicación ha respondido en esta conversación. Los bots callan aquí { $until }.
bots-paused = Los bots están en pausa aquí { $until }.
bots-may-answer = Los bots pueden responder en esta conversación.

the-bot = El bot
bot-stop = Detener el bot aquí
bot-start = Dejar que el bot responda aquí
bot-log = Qué ha hecho el bot
bot-about = Responde a sus clientes donde usted lo permita, con lo que dice su catálogo. Lo que escriben se envía a { $host } (modelo { $model }) y a ningún otro sitio. Se activa y desactiva en la tarjeta de cada cuenta, en el { $link }.
bot-about-link = resumen
bot-spent = Hoy (UTC): { $taken } tokens de entrada, { $given } de salida, de { $most } en total.
bot-try = Probar una pregunta
bot-question = Lo que puede preguntar un cliente
bot-show-answer = Ver la respuesta
bot-try-hint = No se envía nada a nadie. Cuesta tokens, como una respuesta.
bot-did = Qué ha hecho
bot-nothing-yet = Nada todavía.
bot-no-tokens = Hoy no quedan tokens.
bot-too-long = El modelo ha tardado demasiado. Un cliente recibiría su respuesta igualmente.
bot-would-read = El cliente leería:
bot-product-card = Tarjeta de producto: { $title }
bot-would-hand-over = Se la pasaría a usted: { $why }
bot-model-later = El modelo no responde en este momento.
bot-model-refuses = El modelo rechaza las preguntas. El operador de este servicio puede cambiarlo.
bot-cost = { $taken } tokens de entrada, { $given } de salida.
bot-tokens = { $count } tokens
bot-not-sent = Respuesta no enviada
bot-answered = Respondida
bot-handed-over = Pasada a una persona
bot-dropped = Sin responder
bot-answer-accepted = La respuesta está pendiente de envío.
bot-answer-unknown = Quizá se envió la respuesta; se está comprobando.
bot-answer-sent = La respuesta se envió.
bot-answer-delivered = La respuesta se entregó.
bot-answer-read = La respuesta se leyó.
bot-answer-failed = La respuesta no se pudo enviar.
bot-why-outdated = El cliente volvió a escribir.
bot-why-answered = Alguien ya había respondido.
bot-why-paused = Una persona responde en esta conversación.
bot-why-not-owner = Otra aplicación responde en esta conversación.
bot-why-window = El plazo de respuesta de la plataforma había terminado.
bot-why-account = La cuenta no pudo enviar.
bot-why-cannot-receive = No se puede escribir a esta persona.
bot-why-public = Allí las respuestas son públicas.
bot-why-not-connected = La cuenta no está conectada.
bot-why-gone = El mensaje ya no está.
bot-why-before = El bot se activó después.
bot-neither = El formulario no dice ni sí ni no.
bot-being-tried = Ya se está probando una pregunta. Espere a que se responda e inténtelo de nuevo.

no-shop = Todavía no hay ninguna tienda conectada. { $link }, y sus productos aparecerán aquí.
shops = Tiendas
products-in = { $count ->
    [one] { $count } producto en { $shop }, el más reciente primero
   *[other] { $count } productos en { $shop }, los más recientes primero
  }
search-products = Buscar por título, proveedor, etiqueta o SKU
no-product-found = No se ha encontrado ningún producto para «{ $words }».
no-product-found-so-far = Por ahora no se ha encontrado ningún producto para «{ $words }».
show-all-products = Ver todos los productos
catalogue-being-read = Se está leyendo el catálogo. Aparecerá aquí en cuanto esté completo; { $link } muestra cómo va.
catalogue-being-read-link = el resumen
no-products = Esta tienda todavía no tiene productos. Los que se añadan aparecerán aquí en segundos.
from-the-beginning = Desde el principio
more-products = Más productos
search-on = Seguir buscando
variants-count = { $count ->
    [one] { $count } variante
   *[other] { $count } variantes
  }
untitled-product = Producto sin título
no-price = Sin precio
price-from = desde { $price }
stock-not-counted = Existencias sin control
out-of-stock = Agotado
in-stock = { $count } disponibles
nothing-to-buy = Este producto no tiene nada que se pueda comprar.
variants = Variantes
variant = Variante
sku = SKU
price = Precio
stock = Disponible
for-sale = En venta
the-product = El producto
price-before = antes
not-counted = sin control
yes = Sí
no = No
more-variants = y { $count } más; el archivo del catálogo las tiene todas.
product-active = Activo
product-draft = Borrador
product-archived = Archivado
product-unlisted = No listado
product-unknown = Desconocido

keys-title = Claves para bots
keys-about = Con una clave, un programa suyo lee y responde los mensajes de sus clientes. Dé a cada programa una clave propia.
keys-new = Su nueva clave «{ $name }»
keys-copy = Cópiela ahora: solo se muestra esta vez.
keys-keep = Guárdela como una contraseña. Quien la tenga puede hacer lo que ella permite.
keys-revoked-done = La clave está revocada. Ya no abre nada.
keys-none = No tiene claves. Ningún programa puede leer ni responder en su nombre.
keys-dead = Ya no se usan
keys-revoked = Revocada
keys-ended = Caducada
keys-in-use = En uso
keys-all-accounts = Todas las cuentas
keys-only = Solo { $accounts }
keys-made = Creada { $when }
keys-last-used = Usada por última vez { $when }
keys-never-used = Nunca usada
keys-revoked-on = Revocada el { $date }
keys-ended-on = Caducó el { $date }
keys-ends-on = Caduca el { $date }
keys-revoke = Revocar
keys-make = Crear una clave
keys-name = Nombre
keys-name-example = Bot de ventas
keys-scopes = Qué puede hacer
keys-read = Leer mensajes, conversaciones y el catálogo
keys-reply = Responder como bot, pausar y reanudar conversaciones
keys-human = Responder como persona: después el bot calla un rato
keys-admin = Elegir la dirección a la que se envían las novedades
keys-accounts = Para qué cuentas
keys-accounts-hint = Sin marcar ninguna: para todas, también las que conecte más adelante.
keys-end = Cuándo caduca
keys-end-never = Cuando la revoque
keys-end-days = En { $days } días
keys-end-year = En un año
keys-wrong = { $why } No se ha creado ninguna clave.
keys-wrong-name = Dé a la clave un nombre de hasta { $most } caracteres.
keys-wrong-scopes = Marque al menos una cosa que la clave pueda hacer.
keys-wrong-days = Elija cuándo caduca la clave.
keys-wrong-account = Una cuenta marcada ya no está conectada. Elija de nuevo.
keys-wrong-many = Ya tiene 20 claves. Revoque una que no necesite.
keys-revoke-question = ¿Revocar { $name }?
keys-revoke-at-once = Los programas que usan esta clave se rechazan al instante; lo que tengan abierto termina en segundos.
keys-revoke-stays = Los mensajes que ya enviaron se conservan.
keys-revoke-final = No se puede deshacer. Puede crear otra clave cuando quiera.
keys-revoke-this = Revocar esta clave
keys-revoke-not = Conservarla
keys-revoke-title = Revocar una clave

bad-request = Solicitud no válida
not-signed-in = Sin iniciar sesión
not-signed-in-detail = No ha iniciado sesión.
not-allowed = No permitido
not-found = No encontrado
not-found-detail = No hay nada en esta dirección.
method-not-allowed = Método no permitido
method-not-allowed-detail = Esta dirección no admite este método.
conflict = Conflicto
platform-busy = La plataforma está ocupada
platform-busy-detail = { $platform } está ocupada y nos pide esperar. No se ha cambiado nada; inténtelo de nuevo en unos minutos.
platform-silent = La plataforma no ha respondido
platform-silent-detail = { $platform } no ha respondido como se esperaba. No se ha cambiado nada; inténtelo de nuevo en unos minutos.
unavailable = No disponible
not-now = Ahora no es posible
not-now-detail = El servicio no puede leer ni guardar nada en este momento. Inténtelo de nuevo enseguida.
went-wrong = Algo ha salido mal
went-wrong-detail = Algo ha salido mal por nuestra parte. Inténtelo de nuevo.
form-expired = Este formulario ha caducado. Vuelva atrás, recargue la página e inténtelo de nuevo.
form-of-another-site = Este formulario estaba en otro sitio web.
cannot-store = El servicio no puede guardar nada en este momento.
starting = El servicio se está iniciando o deteniendo.
took-too-long = Esto ha tardado demasiado. Inténtelo de nuevo.
refused-method = No es posible
refused-method-detail = Este servicio no conoce ese método.
refused-long-url = Demasiado larga
refused-long-url-detail = Esta dirección es demasiado larga.
refused-host-detail = La solicitud debe nombrar un único host.
refused-compressed = Comprimida
refused-compressed-detail = No se aceptan solicitudes comprimidas.
refused-large = Demasiado grande
refused-large-detail = Esta solicitud es demasiado grande.
refused-unreadable-detail = La solicitud se interrumpió o no se pudo leer.
refused-slow = Demasiado lenta
refused-slow-detail = La solicitud no llegó a tiempo.
refused-often = Demasiadas veces
refused-often-detail = Se ha pedido demasiadas veces desde su dirección. Espere un minuto.
refused-busy = Ocupado
refused-busy-detail = El servicio está ocupado. Inténtelo de nuevo enseguida.
form-incomplete = Falta algo en el formulario. Vuelva atrás e inténtelo de nuevo.

connect-this = ¿Conectar esto?
connect-this-not = No, ir al inicio
connect-this-yes = Sí, conectar
login-of-another-site = Una página de otro sitio quiere conectar { $what } aquí, donde tiene la sesión iniciada con una cuenta suya. Quien administre una podrá leer las conversaciones de la otra. Continúe solo si es lo que usted quiere.
login-of-another-site-beside = Una página de otro sitio quiere conectar { $what } aquí, donde tiene la sesión iniciada con { $names }. Quien administre una podrá leer las conversaciones de la otra. Continúe solo si es lo que usted quiere.
login-used = Este enlace de inicio de sesión ya se usó, ha caducado o pertenece a otro navegador. Si su cuenta aparece como conectada, todo está bien; si no, inicie sesión de nuevo.
login-overtaken = No se ha conectado nada: otra persona conectó la misma cuenta en el mismo momento y ahora es suya. Si fue usted en otra ventana, siga allí; si no, pregunte a quien administra la cuenta con usted.
too-many-logins = Hay demasiados inicios de sesión en curso. Inténtelo de nuevo en unos minutos.
being-erased = Todavía se está borrando lo que se sabía de esta cuenta. Conéctela de nuevo en unos minutos.
nothing-was-connected = No se ha conectado nada: { $why }
shopify-connect = Conecte su tienda de Shopify
shopify-field = El nombre de su tienda, como en su dirección .myshopify.com
shopify-wrong-name = No es el nombre de una tienda de Shopify. Es como my-shop o my-shop.myshopify.com.
facebook-connect = Conecte su página de Facebook
instagram-connect = Cuenta de Instagram de su página
facebook-continue = Continuar con Facebook

facebook-shop-first = Conecte primero su tienda; después vuelva para conectar su página.
facebook-what = páginas de la cuenta de Facebook de este navegador
facebook-session-changed = Su sesión ha terminado o ha cambiado mientras tanto. Abra el inicio e inicie sesión de nuevo.
facebook-declined = Facebook indica que no se concedieron los permisos, así que no se ha conectado nada. Para intentarlo de nuevo, abra el inicio y elija «Continuar con Facebook».
facebook-no-code = La respuesta de Facebook no contiene ningún código.
facebook-permissions-missing = No se ha conectado nada: no se concedieron estos permisos: { $permissions }. Abra el inicio, elija «Continuar con Facebook» y déjelos marcados.
facebook-more-pages = Más páginas
facebook-more-pages-why = Facebook no ha nombrado todas sus páginas. Las que faltan aquí se conectan con otro inicio de sesión. { $why }
facebook-your-pages = Sus páginas
facebook-no-pages = Facebook no muestra a esta aplicación ninguna página suya, así que no se ha conectado nada. Elija sus páginas en el cuadro de Facebook o inicie sesión como una persona con un rol en ellas. Si su página pertenece a un portfolio comercial, alguien con control total debe asignársela (Meta Business Suite, Configuración, Páginas, «Asignar personas») con los mensajes permitidos. Después inicie sesión de nuevo.
facebook-login-used = Facebook indica que este inicio de sesión ya se usó o ha caducado. Si su página aparece como conectada, todo está bien; si no, inicie sesión de nuevo.
facebook-not-confirmed = Facebook no confirma este inicio de sesión. Inícielo de nuevo.
facebook-unreadable-id = Su ID no se puede leer.
facebook-no-access = Facebook no da acceso a ella.
facebook-may-not-answer = No puede responder mensajes allí. Pida la tarea «Mensajes» en la configuración de la página.
facebook-in-portfolio = Facebook no da acceso a ella. Si pertenece a un portfolio comercial, alguien con control total debe asignársela (Meta Business Suite, Configuración, Páginas, «Asignar personas») con los mensajes permitidos. Después inicie sesión de nuevo.
facebook-of-another-shop = Aquí ya está conectada a otra tienda. Inicie sesión con esa tienda para usarla allí, o pida al operador que la libere.
facebook-not-signed = No es una solicitud firmada por Facebook para esta aplicación.
to-come-lasting = un inicio de sesión duradero
to-come-granted = lo que ha permitido
to-come-access = acceso a la página
to-come-subscription = la suscripción del webhook
to-come-page-details = los datos de la página
to-come-more-pages = más páginas suyas

shopify-what = la tienda { $shop }
shopify-forged-link = Este enlace no viene de Shopify o se modificó por el camino. Abra de nuevo la app desde Shopify.
shopify-old-link = Este enlace de Shopify es demasiado antiguo. Abra de nuevo la app desde Shopify.
shopify-forged = Esta respuesta no viene de Shopify o se modificó por el camino. Inicie sesión de nuevo.
shopify-declined = Shopify indica que la app no se instaló, así que no se ha conectado nada. Para intentarlo de nuevo, abra el inicio y conecte su tienda.
shopify-old-answer = Esta respuesta de Shopify es demasiado antigua. Inicie sesión de nuevo.
shopify-another-shop = Esta respuesta es de otra tienda. Inicie sesión de nuevo.
shopify-no-products = No se ha conectado nada: no se concedió el permiso de leer productos. Conecte de nuevo su tienda y déjelo como está en la pantalla de Shopify.
shopify-login-used = Shopify indica que este inicio de sesión ya se usó o ha caducado. Si su tienda aparece como conectada, todo está bien; si no, inicie sesión de nuevo.
to-come-shop-details = los datos de la tienda
to-come-subscriptions = las suscripciones de webhooks

problems = { $first }; { $second }
list = { $first }, { $second }
sentences = { $first } { $second }
platform-limits = { $platform } limita cuántas veces se puede preguntar. La lectura sigue sola tras una pausa.
platform-later = { $platform } no responde bien en este momento. Se le vuelve a preguntar automáticamente.
platform-unreadable = Las respuestas de { $platform } no se pueden leer en este momento. Se le vuelve a preguntar automáticamente.
platform-refuses = { $platform } rechaza lo que se pide (código { $code }).

facebook-blocked = Facebook ha bloqueado esta aplicación o página durante un tiempo por incumplir sus normas (código 368). La norma figura en el buzón de ayuda de la página; la lectura sigue sola cuando termine el bloqueo.
facebook-restricted = Facebook ha limitado durante un tiempo el envío de mensajes de la página (código 10). Consulte el buzón de ayuda de la página.
facebook-not-allowed = Facebook no permite leer la página (código { $code }). Elija de nuevo «Continuar con Facebook» y deje marcados todos los permisos.
facebook-not-allowed-without = Facebook no lo permite sin el permiso { $permission } (código { $code }). Elija de nuevo «Continuar con Facebook» y deje marcados todos los permisos.
facebook-token-removed = La aplicación se eliminó de la cuenta de Facebook. Conecte de nuevo la página.
facebook-token-checkpoint = Facebook quiere que inicie sesión allí y confirme su identidad. Después conecte de nuevo la página.
facebook-token-password = Se cambió la contraseña de la cuenta de Facebook. Conecte de nuevo la página.
facebook-token-expired = El inicio de sesión de Facebook ha caducado. Conecte de nuevo la página.
facebook-token-unconfirmed = La cuenta de Facebook no está confirmada. Confírmela allí y conecte de nuevo la página.
facebook-token-no-role = La persona que conectó la página ya no tiene un rol en ella. Alguien con un rol debe conectarla de nuevo.
facebook-token-refused = Facebook rechaza el inicio de sesión guardado. Conecte de nuevo la página.
facebook-token-gone = El inicio de sesión guardado ya no está. Conecte de nuevo la página.
facebook-token-another-app = Este servicio es ahora otra aplicación en Facebook. Conecte de nuevo la página.
facebook-setup = Este servicio no está bien configurado en Facebook (código { $code }). Debe arreglarlo su operador.
facebook-unreachable = Facebook indica que no se puede contactar con una persona (código 551).
facebook-not-visible = Facebook ya no muestra algo que antes estaba (código 100/33).
facebook-too-large = Para Facebook, las conversaciones de la página son demasiado grandes para leerlas de una vez.
facebook-page-gone = Facebook ya no muestra esta página: se eliminó, se ocultó o se retiró a quien la conectó. Si vuelve a estar, la lectura sigue sola.
facebook-permission-missing = falta un permiso ({ $permissions }); elija de nuevo «Continuar con Facebook» y márquelo
facebook-subscription-refused = Facebook se niega a entregar mensajes (se rechazó la suscripción del webhook, código { $code })
facebook-delivers-nothing = Facebook no entrega nada a este servicio en este momento (código { $code }), y su operador está avisado; los mensajes llegan con la consulta diaria
facebook-policy-block = Facebook ha bloqueado el envío de mensajes de la página por incumplir sus normas; consulte el buzón de ayuda de la página
facebook-policy-warning = Facebook advierte a la página por incumplir sus normas; consulte el buzón de ayuda de la página
facebook-ended = el permiso de Facebook para leer la página terminó el { $date }; elija de nuevo «Continuar con Facebook» para renovarlo
facebook-ends-soon = El permiso de Facebook para leer la página termina el { $date }. Elija antes «Continuar con Facebook» para renovarlo.

shopify-inactive = esta tienda no está activa en Shopify: en pausa o cerrada. La lectura sigue sola cuando vuelva a abrir.
shopify-token-refused = Shopify rechaza el inicio de sesión guardado: la app se desinstaló o se revocó el acceso. Conecte de nuevo la tienda.
shopify-token-old-kind = Shopify ya no acepta el tipo antiguo de inicio de sesión. Conecte de nuevo la tienda.
shopify-token-dead = Shopify rechaza el inicio de sesión guardado. Conecte de nuevo la tienda.
shopify-not-renewed = Shopify se niega a renovar el inicio de sesión: la app se desinstaló o este servicio está mal configurado. Conecte de nuevo la tienda.
shopify-limits = Shopify limita cuántas veces se puede preguntar por esta tienda. La lectura sigue sola tras una pausa.
shopify-denied = Shopify deniega un permiso (ACCESS_DENIED). Conecte de nuevo la tienda para concederlo.
shopify-too-dear = Para Shopify, una parte del catálogo es demasiado grande para pedirla (MAX_COST_EXCEEDED). Debe arreglarlo el operador de este servicio.
shopify-refuses = Shopify rechaza lo que se pide ({ $code }). Debe arreglarlo el operador de este servicio.
shopify-frozen = Shopify ha congelado esta tienda, casi siempre por una factura sin pagar. La lectura sigue sola cuando vuelva a abrir.
shopify-no-such-shop = Shopify no conoce ninguna tienda en esta dirección: quizá se cerró definitivamente. Se pregunta de nuevo cada hora.
shopify-locked = Shopify ha bloqueado esta tienda. La lectura sigue sola cuando vuelva a abrir.
shopify-moved = esta tienda tiene ahora otra dirección en Shopify: cambió de nombre. Conéctela de nuevo con su nuevo nombre.
shopify-forbidden = Shopify prohíbe el uso de esta tienda en este momento. La lectura sigue sola cuando termine.
shopify-renamed = esta tienda se llama ahora { $shop } en Shopify. Conéctela de nuevo con su nuevo nombre; lo leído con el anterior se queda como está.
shopify-part-denied = falta un permiso ({ $permissions }). Conecte de nuevo la tienda para concederlo.
shopify-permission-missing = falta un permiso ({ $permissions }); conecte de nuevo la tienda para concederlo
shopify-not-delivered = Shopify se niega a entregar { $what }
export-consequence = { $why } El catálogo se lee página a página, que tarda más y da lo mismo. La exportación se intentará de nuevo en la próxima lectura completa, como pronto dentro de un día.
export-refused = Se rechazó la exportación de Shopify ({ $what }): { $code }.
export-not-told = Shopify se niega a informar sobre su exportación ({ $code }).
export-answers-unreadable = Las respuestas de Shopify sobre su exportación no se pueden leer ({ $why }).
export-denied = A la exportación de Shopify ({ $what }) se le denegó un permiso (ACCESS_DENIED).
export-fault = La exportación de Shopify ({ $what }) falló por un error de Shopify (INTERNAL_SERVER_ERROR).
export-timeout = La exportación de Shopify ({ $what }) tardó demasiado (TIMEOUT).
export-failed = La exportación de Shopify ({ $what }) falló ({ $code }).
export-expired = La exportación de Shopify ({ $what }) caducó antes de poder recogerla (EXPIRED).
export-canceled = La exportación de Shopify ({ $what }) se canceló en Shopify (CANCELED).
export-unknown-end = La exportación de Shopify ({ $what }) terminó de un modo que aquí no se conoce ({ $code }).
export-gone = La exportación de Shopify ({ $what }) ya no se conoce en Shopify.
export-not-begun = La exportación de Shopify ({ $what }) no ha empezado después de media hora.
export-endless = La exportación del catálogo de Shopify no ha terminado después de seis horas.
export-elsewhere = La exportación de Shopify ({ $what }) está en una dirección que no se conoce como de Shopify; no se recogió.
export-not-given-out = La exportación de Shopify ({ $what }) no se entrega ({ $code }).
export-breaks-off = La exportación de Shopify ({ $what }) se corta antes del final.
export-unreadable = La exportación de Shopify ({ $what }) no se puede leer ({ $why }).
export-orphan = La exportación de Shopify ({ $what }) está incompleta: a un objeto le falta su objeto superior.

whatsapp-blocked = WhatsApp ha bloqueado la cuenta comercial por incumplir sus normas. El administrador de WhatsApp indica la norma; el envío sigue solo cuando termine el bloqueo.
whatsapp-restricted = WhatsApp ha limitado durante un tiempo el envío del número. Consulte el administrador de WhatsApp.
whatsapp-payment = WhatsApp no puede cobrar a la cuenta comercial (código 131042): falta un método de pago o se rechazó. Consulte la facturación en el administrador de WhatsApp.
whatsapp-not-registered = El número no está registrado para enviar en WhatsApp (código { $code }). Consulte el administrador de WhatsApp.
whatsapp-not-allowed = WhatsApp no se lo permite al token de los ajustes (código { $code }). Su usuario del sistema necesita el número y los permisos { $permissions }.
whatsapp-token-expired = El token de acceso de WhatsApp ha caducado. Ponga uno nuevo en WHATSAPP_ACCESS_TOKEN.
whatsapp-token-refused = WhatsApp rechaza el token de acceso de los ajustes. Ponga uno nuevo en WHATSAPP_ACCESS_TOKEN.
whatsapp-token-ends = El token de acceso de WhatsApp caduca el { $date }. Cree antes uno nuevo para el usuario del sistema y póngalo en WHATSAPP_ACCESS_TOKEN.
whatsapp-may-not-send = el token de los ajustes no puede enviar: le falta el permiso { $permission }
whatsapp-subscription-refused = WhatsApp se niega a entregar mensajes (se rechazó la suscripción, código { $code })
whatsapp-another-address = WhatsApp entrega los mensajes del número en otra dirección que WHATSAPP_WEBHOOK_ADDRESS
whatsapp-fields-missing = la aplicación no recibe estos campos del webhook: { $fields }

viber-token-refused = Viber rechaza el token del bot. Su operador pone el nuevo en VIBER_BOT_TOKEN y reinicia el servicio.
viber-blocked = Viber ha bloqueado el bot (estado 7). Su soporte dice por qué; se comprueba de nuevo cada hora.
viber-unknown-bot = Viber ya no conoce el bot (estado 8). Su soporte dice por qué.
viber-suspended = Viber ha suspendido el bot (estado 9). Su soporte dice por qué; se comprueba de nuevo cada hora.
viber-terms = Viber no permite esto al bot (estado 15): quizá falten sus condiciones comerciales.
viber-another-bot = VIBER_BOT_TOKEN es el token de otro bot, o Viber todavía no ha dicho de cuál. Como este no se envía nada.
viber-not-delivered-unreachable = Viber no entrega mensajes en VIBER_WEBHOOK_ADDRESS: no llega a la dirección o no confía en su certificado (estado 1).
viber-not-delivered = Viber no entrega mensajes en VIBER_WEBHOOK_ADDRESS: rechaza la dirección (estado { $code }).

linkedin-token-refused = LinkedIn rechaza el token de la página: ha caducado o se retiró. Su operador crea uno nuevo, lo pone en LINKEDIN_ACCESS_TOKEN y reinicia el servicio.
linkedin-refresh-refused = LinkedIn se niega a renovar el token de la página. Su operador crea otros, los pone en LINKEDIN_ACCESS_TOKEN y LINKEDIN_REFRESH_TOKEN y reinicia el servicio.
linkedin-not-allowed = LinkedIn no permite esto a la aplicación o al miembro del token (código { $code }): falta un producto de la aplicación, un permiso o el rol de administrador de la página
linkedin-version = LinkedIn ya no ofrece esta versión de su API. Su operador pone una más nueva en LINKEDIN_VERSION.
linkedin-limits = LinkedIn limita cuántas veces al día se puede preguntar. Se le vuelve a preguntar automáticamente.
linkedin-another-page = LINKEDIN_ORGANIZATION_ID nombra otra página. Como esta no se envía nada.
linkedin-not-shown = LinkedIn no muestra la suscripción (código { $code })
linkedin-no-subscription = LinkedIn no tiene ninguna suscripción a la actividad de la página; con LINKEDIN_APPLICATION_ID el servicio crea una
linkedin-no-administrator = el miembro de LINKEDIN_ACCESS_TOKEN no administra la página, así que nadie puede suscribirse a su actividad
linkedin-not-delivered = LinkedIn se niega a entregar la actividad de la página en LINKEDIN_WEBHOOK_ADDRESS (código { $code }): primero hay que introducir la dirección en Webhooks del portal de desarrolladores, donde LinkedIn la comprueba

bot-hand-no-answer = El modelo no dio ninguna respuesta.
bot-hand-too-long = La respuesta del modelo era demasiado larga.
bot-hand-markup = La respuesta del modelo era marcado y no texto.
bot-hand-address = La respuesta del modelo contenía una dirección que no es de la tienda.
bot-hand-price = La respuesta del modelo contenía un precio que no está en el catálogo.
bot-hand-span = La respuesta del modelo indicaba un plazo que no figura en nada de lo que se le dijo.
bot-hand-number = La respuesta del modelo contenía un número que no figura en nada de lo que se le dijo.
bot-hand-unfinished = La respuesta del modelo no era una respuesta, sino algo de su funcionamiento interno.
bot-hand-another-customer = La respuesta del modelo nombraba a otro cliente.
bot-hand-unreadable = La respuesta del modelo no se pudo leer.
bot-hand-cut = La respuesta del modelo estaba cortada.
bot-hand-declined = El modelo no acepta esta pregunta.
bot-hand-endless = El modelo no encontró respuesta.
bot-hand-wanted = El modelo quiere que responda una persona.
bot-hand-prompt = El archivo BOT_PROMPT_FILE está vacío o no se puede leer.
bot-hand-over-budget = El bot ha gastado sus tokens de hoy.
bot-hand-cannot-read = El cliente envió algo que el bot no puede leer.
bot-hand-refuses = El modelo rechaza las preguntas.
bot-hand-late = El modelo no respondió a tiempo.
bot-hand-account-late = La cuenta no pudo enviar a tiempo.
bot-hand-channel = La respuesta del modelo no se puede enviar por este canal.
bot-hand-nobody = Nadie ha respondido desde que el bot la pasó.
bot-hand-window = El plazo de respuesta de la plataforma terminó antes de que el bot pudiera responder.
bot-hand-not-sent = La respuesta del bot no se pudo enviar.
bot-hand-not-taken = La plataforma no aceptó la respuesta del bot.
bot-hand-unknown = Nadie sabe si la respuesta del bot llegó al cliente.
bot-hand-fault = El bot no pudo trabajar con este mensaje.
