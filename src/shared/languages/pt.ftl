# Português, como no Brasil. Tratamento: você. Facebook Page é Página.

date = { $day } { $month ->
    [1] jan.
    [2] fev.
    [3] mar.
    [4] abr.
    [5] maio
    [6] jun.
    [7] jul.
    [8] ago.
    [9] set.
    [10] out.
    [11] nov.
   *[12] dez.
  } { $year }
moment = { $day } { $month ->
    [1] jan.
    [2] fev.
    [3] mar.
    [4] abr.
    [5] maio
    [6] jun.
    [7] jul.
    [8] ago.
    [9] set.
    [10] out.
    [11] nov.
   *[12] dez.
  } { $year }, { $clock } UTC
day = { $weekday ->
    [1] segunda-feira
    [2] terça-feira
    [3] quarta-feira
    [4] quinta-feira
    [5] sexta-feira
    [6] sábado
   *[7] domingo
  }, { $day } de { $month ->
    [1] janeiro
    [2] fevereiro
    [3] março
    [4] abril
    [5] maio
    [6] junho
    [7] julho
    [8] agosto
    [9] setembro
    [10] outubro
    [11] novembro
   *[12] dezembro
  } de { $year }
date-in-full = { $day } de { $month ->
    [1] janeiro
    [2] fevereiro
    [3] março
    [4] abril
    [5] maio
    [6] junho
    [7] julho
    [8] agosto
    [9] setembro
    [10] outubro
    [11] novembro
   *[12] dezembro
  } de { $year }
just-now = agora mesmo
minutes-ago = { $count ->
    [one] há um minuto
   *[other] há { $count } minutos
  }
hours-ago = { $count ->
    [one] há uma hora
   *[other] há { $count } horas
  }
yesterday = ontem
days-ago = { $count ->
    [one] há um dia
   *[other] há { $count } dias
  }
in-a-moment = em instantes
in-minutes = { $count ->
    [one] em um minuto
   *[other] em { $count } minutos
  }

skip = Ir para o conteúdo
main-navigation = Menu principal
overview = Visão geral
conversations = Conversas
catalogue = Catálogo
keys = Chaves
account = Conta
pages = Páginas
breadcrumb = Caminho
times-are-utc = Horários em UTC.
language = Idioma
language-change = Mudar idioma
search = Buscar
you = Você
bot = Bot
back-to-start = Voltar ao início
to-start = Ir para o início

connected = Conectada
connected-in-part = Conectada em parte
not-connected = Não conectada
cannot-answer = Não pode responder
log-in-again = Entre novamente

welcome-title = Todas as conversas e o catálogo inteiro, sempre à mão
welcome = O shoptalk conecta sua loja à sua Página e deixa pronto para seu bot de vendas o que seus clientes escrevem e o que você vende.
no-platform = Nenhuma plataforma foi configurada ainda. Todas as configurações estão explicadas em { $file }.
step = Etapa { $number }:
after-first-step = Vem depois da primeira etapa.
connect = Conectar
connect-another = Conectar outra
connect-another-account = Conectar outra conta
still-to-connect = Falta conectar
sign-out = Sair
session-ended = Sua sessão terminou. Conecte sua loja novamente para entrar; nada foi perdido.
session-closed = Você saiu desta página. Suas contas continuam conectadas.
read-again = Tudo está sendo lido novamente.
all-connected = Tudo está conectado. Novas mensagens e mudanças no catálogo chegam sozinhas.
all-well = Novas mensagens e mudanças no catálogo chegam sozinhas.
being-finished = Conectada. Ainda falta algo, que chega sozinho.
accounts-need-you = { $count ->
    [one] Uma conta precisa de você.
   *[other] { $count } contas precisam de você.
  }
latest-conversations = Últimas conversas
all-conversations = Todas as conversas
nobody-has-written = Ninguém escreveu ainda. Assim que um cliente escrever, a conversa aparece aqui.
disconnected = Desconectadas
is-disconnected = { $platform } ({ $noun } { $account }): sem conexão.
connect-again = Conectar { $platform } novamente
last-event = Último evento
none-yet = nenhum ainda
last-read = Última leitura completa
not-yet = ainda não
connected-since = Conexão
sync-now = Sincronizar agora
disconnect = Desconectar
log-in-to-again = Entrar novamente no { $platform }
answers-not-sent = As respostas não estão sendo enviadas. { $why }
nobody-has-to = Você não precisa fazer nada.
login-not-accepted = { $platform } não aceita mais o login salvo.
still-taken-in = Novas mensagens continuam sendo recebidas.
not-notified = { $platform } não nos avisa sobre: { $what }. Tentamos de novo a cada hora; enquanto isso, a leitura preenche as lacunas.
reading-given-up = A leitura falhou várias vezes e foi abandonada. “Sincronizar agora” tenta de novo.
reading-failed = A última leitura falhou. Será tentada de novo { $when }.
reading = Lendo: { $what }
reading-of = Lendo: { $what } ({ $done } de { $known })
reading-so-far = Lendo: { $what } ({ $done } até agora)
reading-begins = A leitura começa em instantes.
reading-incomplete = A leitura está incompleta: { $why }
reading-pauses = A leitura está em pausa: { $why }
to-come = Ainda falta: { $what }. { $why }

account-of = { $platform } · { $noun }
noun-page = Página
noun-instagram = conta do Instagram
noun-shop = loja
noun-number = número
noun-bot = bot
noun-linkedin = página

what-products = produtos
what-variants = variantes
what-stock = estoque
what-discounts = descontos
what-collections = coleções
what-changed-products = produtos alterados
what-shop = a loja
what-products-by-page = produtos, página por página, porque a exportação da Shopify falhou
what-conversations = conversas
what-older-ids = IDs de mensagens antigas
what-page-metadata = dados da Página

disconnect-question = Desconectar { $name }?
disconnect-tells = { $platform } deixa de nos informar; pedimos isso e verificamos se foi feito.
disconnect-erases = O login salvo é apagado e nada mais é lido.
disconnect-keeps = As conversas e os arquivos que já estão aqui permanecem. “Excluir meus dados”, em Conta, apaga tudo.
disconnect-again = Você pode conectar novamente quando quiser ({ $noun }).
keep-connected = Manter conectada
disconnected-checked = Desconectada. Perguntamos depois: { $platform } não nos informa mais ({ $noun }).
disconnected-with-another = Desconectada. Até que a conta à qual pertence ({ $noun }) também seja desconectada, ainda recebemos avisos; eles ficam separados e não aparecem em lugar nenhum.
disconnected-unconfirmed = Desconectada: nosso login foi apagado e nada mais é lido. Mas { $platform } não confirmou que deixa de nos informar ({ $noun }). { $part } O que ainda chegar fica separado e não aparece em lugar nenhum.
part-facebook = No Facebook, abra Configurações → Integrações comerciais e remova este app.
part-shopify = Na Shopify, abra Configurações → Apps e canais de vendas e desinstale este app.
part-whatsapp = No Gerenciador do WhatsApp, abra o usuário do sistema do app e retire o acesso dele à conta do WhatsApp.
part-viber = Peça ao Viber um novo token para o bot; o antigo deixa de valer.
part-linkedin = No LinkedIn, abra Configurações → Privacidade de dados → Serviços permitidos e remova este app.
needs-login-first = Esta conta precisa de um novo login antes de ser lida.

sign-out-means = Encerra sua sessão neste navegador. Suas contas continuam conectadas e as mensagens continuam chegando. Para voltar, conecte sua loja novamente.
export = Exportar meus dados
export-means = Tudo o que é guardado das suas contas em um arquivo zip: conversas, catálogo, cópias de anexos e conexões.
export-under-way = Seus dados já estão sendo exportados. Aguarde até terminar.
delete = Excluir meus dados
delete-more = Excluir meus dados …
delete-means = Desconecta todas as contas e apaga o que é guardado delas: logins, conversas, catálogo, arquivos.
delete-question = Excluir todos os meus dados?
delete-concerns = Não é possível desfazer. Isso inclui:
not-connected-any-more = { $account } (não está mais conectada)
delete-receipt = Você recebe o endereço de um recibo que mostra quando terminou; ele não cita ninguém.
delete-word = excluir
delete-type = Digite “{ $word }” para continuar
delete-not-typed = Isso não era “{ $word }”. Nada foi excluído.
delete-everything = Excluir tudo
keep-data = Manter meus dados

request = Sua solicitação
receipt-nothing = Nada foi encontrado para esta solicitação, então não havia nada a apagar. Solicitações assim citam a pessoa que conectou uma conta aqui; mensagens enviadas à Página de uma loja são guardadas por essa loja.
receipt-disconnected = As contas foram desconectadas: o acesso foi apagado e nada mais é lido.
receipt-erased = Tudo o que pertence a esta solicitação foi apagado de bancos de dados e arquivos.
receipt-under-way = Os dados estão sendo apagados. Leva alguns minutos e nunca mais de um dia.
receipt-unconfirmed = { $platform } não confirmou que deixa de nos informar ({ $noun }). { $part }
receipt-code = Código: { $code }
receipt-received = Recebida
receipt-done = Concluída
receipt-events = Mensagens e outros eventos apagados
receipt-files = Arquivos apagados
receipt-objects = Cópias apagadas no armazenamento de objetos
receipt-connections = Conexões encerradas
receipt-keep = Esta página não cita ninguém. Guarde o código se quiser voltar a ela.

no-conversations = Nenhuma conta com conversas está conectada ainda. { $link }, e o que os clientes escreverem aparece aqui.
connect-one = Conecte uma
accounts = Contas
with-on = com { $name } em { $platform }
search-conversations = Buscar por nome, texto ou ID
nobody-has-written-list = Ninguém escreveu ainda. Assim que um cliente escrever, a conversa aparece aqui, a mais recente primeiro.
no-more-conversations = Não há mais conversas.
back-to-newest = Voltar às mais recentes
newest = Mais recentes
older-conversations = Conversas mais antigas
people = Pessoas
messages = Mensagens
nothing-found = Nada encontrado para “{ $words }”.
nothing-found-so-far = Nada encontrado para “{ $words }” até agora.
show-all-conversations = Mostrar todas as conversas
searched-back-to = Buscado até { $date }.
search-further = Buscar mais atrás
you-said = Você:
older-than-kept = Mais antiga do que o que é guardado aqui; está no arquivo da conta
messages-word = { $count ->
    [one] mensagem
   *[other] mensagens
  }

person-on = { $person } em { $platform }
earlier-messages = Mensagens anteriores
newest-messages = Mensagens mais recentes
messages-older-than-kept = Estas mensagens são mais antigas do que o que é guardado aqui; estão no arquivo da conversa.
a-message = Uma mensagem
message-unsent = Mensagem cancelada
invisible-message = Uma mensagem sem texto visível
earlier-message = Uma mensagem anterior
answers-message = Responde a:
show-whole = Mostrar a mensagem inteira
media-from = { $media } de { $name }
from-you = você
edited = editada
read = lida
you-reacted = você:
reacted = reagiu
they-reacted = reação:

media-photo = Foto
media-video = Vídeo
media-voice = Mensagem de voz
media-sound = Áudio
media-file = Arquivo
media-sticker = Figurinha
media-reel = Reel compartilhado
media-post = Publicação compartilhada
media-story = Story
media-link = Link compartilhado
media-card = Cartão
media-appointment = Agendamento
media-place = Local
media-contact = Contato
media-order = Pedido
media-attachment = Anexo
media-not-shown = Um tipo de mensagem que { $platform } não mostra a apps
media-unknown = Um tipo de mensagem desconhecido aqui
how-button = Tocou em um botão
how-referral = Veio por um link ou anúncio
how-optin = Aceitou receber mensagens
how-order = Enviou um pedido
how-product = Perguntou sobre um produto
how-template = Enviou um modelo
how-mention = Mencionou a página em uma publicação
note-handed-over = A conversa foi passada a outro app
note-taken-over = Outro app assumiu a conversa
note-asked-for = Outro app pediu a conversa
note-account-linking = A pessoa vinculou uma conta ou desfez o vínculo
note-policy = O Facebook aplicou uma política à Página
note-not-reached = Uma mensagem não chegou à pessoa
note-subscribed = A pessoa se inscreveu
note-unsubscribed = A pessoa cancelou a inscrição
note-opened = A pessoa abriu o chat
note-number-changed = O número ou o ID da pessoa mudou
note-call = Uma ligação
note-passed-here = A conversa foi passada a este app
note-meta-agent = A partir daqui, o agente da Meta responde
note-people-elsewhere = A partir daqui, a equipe da empresa responde em outro lugar
note-other-partner = A partir daqui, outro parceiro da empresa responde
note-like = Alguém gostou da publicação
note-share = Alguém compartilhou a publicação

answer = Responder
your-message = Sua mensagem
send = Enviar
sent-from-here = Enviado daqui
sent-by-at = { $by }, { $moment }: { $state }
state-accepted = aguardando envio
state-sent = enviada
state-delivered = entregue
state-read = lida
state-failed = não pôde ser enviada
state-unknown = talvez enviada; isso está sendo verificado
not-sent = Não enviada
not-sent-window = O prazo de resposta da plataforma terminou. Ele reabre quando a pessoa escrever.
not-sent-cannot-receive = No momento não é possível escrever para esta pessoa.
not-sent-blocked = No momento a plataforma não deixa a conta enviar. A visão geral diz por quê.
not-sent-account = A conta não pode enviar no momento. Conecte-a novamente na visão geral.
not-sent-queue = Já há mensagens demais aguardando para esta pessoa. Tente mais tarde.
not-sent-form = Este formulário já foi usado para outra mensagem. Volte e recarregue a página.
not-sent-content = Esta mensagem não pode ser enviada assim.
not-sent-human-window = Respostas de pessoas após o prazo da plataforma não estão ativadas para este canal.
not-sent-public = Lá as respostas são públicas, e respostas de bots não estão ativadas para este canal.
not-sent-linkedin-partner = O LinkedIn só deixa seus parceiros de mensagens enviar mensagens diretas; LINKEDIN_MESSAGES=partner indica que este app é um deles.
not-sent-linkedin-automatic = O LinkedIn proíbe mensagens diretas automáticas: só pode ser enviado o que uma pessoa escreve.
becomes-comment = Sua resposta vira um comentário da página, que todos podem ler.
your-message-was = Sua mensagem era:
back-to-conversation = Voltar à conversa
reason-expired = expirada
reason-window-closed = prazo de resposta encerrado
reason-cannot-receive = a pessoa não pode receber
reason-refused = recusada
reason-media-unusable = arquivo não utilizável
reason-template-unusable = modelo não utilizável
reason-account-unavailable = conta indisponível
reason-not-owner = outro app responde
reason-paused = em pausa
reason-stopped = interrompida
reason-taken-back = cancelada
reason-rate = mensagens demais
reason-unresolved = sem definição

bots = Bots
bots-resume = Deixar os bots responderem de novo
bots-pause = Pausar bots aqui
bots-until = até { $moment }
bots-until-resumed = até você deixá-los responder de novo
bots-owner-lost = Outro app responde nesta conversa; os bots ficam em silêncio aqui até que ela seja devolvida.
bots-human = Uma pessoa responde nesta conversa. Os bots ficam em silêncio aqui { $until }.
bots-app = Outro app respondeu nesta conversa. Os bots ficam em silêncio aqui { $until }.
bots-paused = Os bots estão pausados aqui { $until }.
bots-may-answer = Os bots podem responder nesta conversa.

the-bot = O bot
bot-stop = Parar o bot aqui
bot-start = Deixar o bot responder aqui
bot-log = O que o bot fez
bot-about = Ele responde aos seus clientes onde você permitir, com o que diz seu catálogo. O que eles escrevem vai para { $host } (modelo { $model }) e para nenhum outro lugar. Você o liga e desliga no cartão de cada conta na { $link }.
bot-about-link = visão geral
bot-spent = Hoje (UTC): { $taken } tokens de entrada, { $given } de saída, de { $most } no total.
bot-try = Testar uma pergunta
bot-question = O que um cliente pode perguntar
bot-show-answer = Mostrar a resposta
bot-try-hint = Nada é enviado a ninguém. Custa tokens, como uma resposta.
bot-did = O que ele fez
bot-nothing-yet = Nada ainda.
bot-no-tokens = Não há mais tokens para hoje.
bot-too-long = O modelo demorou demais. Um cliente ainda receberia a resposta.
bot-would-read = O cliente leria:
bot-product-card = Cartão de produto: { $title }
bot-would-hand-over = Ele passaria para você: { $why }
bot-model-later = O modelo não responde no momento.
bot-model-refuses = O modelo recusa perguntas. O operador deste serviço pode mudar isso.
bot-cost = { $taken } tokens de entrada, { $given } de saída.
bot-tokens = { $count } tokens
bot-not-sent = Resposta não enviada
bot-answered = Respondida
bot-handed-over = Passada a uma pessoa
bot-dropped = Não respondida
bot-answer-accepted = A resposta aguarda envio.
bot-answer-unknown = A resposta talvez tenha sido enviada; isso está sendo verificado.
bot-answer-sent = A resposta foi enviada.
bot-answer-delivered = A resposta foi entregue.
bot-answer-read = A resposta foi lida.
bot-answer-failed = A resposta não pôde ser enviada.
bot-why-outdated = O cliente escreveu de novo.
bot-why-answered = Alguém já tinha respondido.
bot-why-paused = Uma pessoa responde nesta conversa.
bot-why-not-owner = Outro app responde nesta conversa.
bot-why-window = O prazo de resposta da plataforma tinha terminado.
bot-why-account = A conta não pôde enviar.
bot-why-cannot-receive = Não é possível escrever para esta pessoa.
bot-why-public = Lá as respostas são públicas.
bot-why-not-connected = A conta não está conectada.
bot-why-gone = A mensagem não existe mais.
bot-why-before = O bot foi ligado depois.
bot-neither = O formulário não diz sim nem não.
bot-being-tried = Uma pergunta já está sendo testada. Aguarde a resposta e tente de novo.

no-shop = Nenhuma loja está conectada ainda. { $link }, e os produtos dela aparecem aqui.
shops = Lojas
products-in = { $count ->
    [one] { $count } produto em { $shop }, o mais recente primeiro
   *[other] { $count } produtos em { $shop }, os mais recentes primeiro
  }
search-products = Buscar por título, fornecedor, tag ou SKU
no-product-found = Nenhum produto encontrado para “{ $words }”.
no-product-found-so-far = Nenhum produto encontrado para “{ $words }” até agora.
show-all-products = Mostrar todos os produtos
catalogue-being-read = O catálogo está sendo lido. Ele aparece aqui assim que estiver completo; { $link } mostra o andamento.
catalogue-being-read-link = a visão geral
no-products = Esta loja ainda não tem produtos. Um produto novo aparece aqui em segundos.
from-the-beginning = Do começo
more-products = Mais produtos
search-on = Continuar buscando
variants-count = { $count ->
    [one] { $count } variante
   *[other] { $count } variantes
  }
untitled-product = Produto sem título
no-price = Sem preço
price-from = a partir de { $price }
stock-not-counted = Estoque não controlado
out-of-stock = Esgotado
in-stock = { $count } em estoque
nothing-to-buy = Este produto não tem nada que possa ser comprado.
variants = Variantes
variant = Variante
sku = SKU
price = Preço
stock = Em estoque
for-sale = À venda
the-product = O produto
price-before = antes
not-counted = não controlado
yes = Sim
no = Não
more-variants = e mais { $count }; o arquivo do catálogo tem todas.
product-active = Ativo
product-draft = Rascunho
product-archived = Arquivado
product-unlisted = Não listado
product-unknown = Desconhecido

keys-title = Chaves para bots
keys-about = Com uma chave, um programa seu lê e responde as mensagens dos seus clientes. Dê a cada programa uma chave própria.
keys-new = Sua nova chave “{ $name }”
keys-copy = Copie agora: ela só aparece desta vez.
keys-keep = Guarde-a como uma senha. Quem a tiver pode fazer o que ela permite.
keys-revoked-done = A chave foi revogada. Ela não abre mais nada.
keys-none = Você não tem chaves. Nenhum programa pode ler ou responder em seu nome.
keys-dead = Fora de uso
keys-revoked = Revogada
keys-ended = Expirada
keys-in-use = Em uso
keys-all-accounts = Todas as contas
keys-only = Somente { $accounts }
keys-made = Criada { $when }
keys-last-used = Último uso { $when }
keys-never-used = Nunca usada
keys-revoked-on = Revogada em { $date }
keys-ended-on = Expirou em { $date }
keys-ends-on = Expira em { $date }
keys-revoke = Revogar
keys-make = Criar uma chave
keys-name = Nome
keys-name-example = Bot de vendas
keys-scopes = O que ela pode fazer
keys-read = Ler mensagens, conversas e o catálogo
keys-reply = Responder como bot, pausar e retomar conversas
keys-human = Responder como pessoa: depois o bot fica em silêncio por um tempo
keys-admin = Escolher o endereço para onde as novidades são enviadas
keys-accounts = Para quais contas
keys-accounts-hint = Nenhuma marcada: para todas, também as que você conectar depois.
keys-end = Quando expira
keys-end-never = Quando eu revogar
keys-end-days = Em { $days } dias
keys-end-year = Em um ano
keys-wrong = { $why } Nenhuma chave foi criada.
keys-wrong-name = Dê à chave um nome de até { $most } caracteres.
keys-wrong-scopes = Marque pelo menos uma coisa que a chave possa fazer.
keys-wrong-days = Escolha quando a chave expira.
keys-wrong-account = Uma conta marcada não está mais conectada. Escolha novamente.
keys-wrong-many = Você já tem 20 chaves. Revogue uma que não seja mais necessária.
keys-revoke-question = Revogar { $name }?
keys-revoke-at-once = Programas que usam esta chave são recusados na hora; o que tiverem aberto termina em segundos.
keys-revoke-stays = As mensagens que já enviaram permanecem.
keys-revoke-final = Não é possível desfazer. Você pode criar outra chave quando quiser.
keys-revoke-this = Revogar esta chave
keys-revoke-not = Manter
keys-revoke-title = Revogar uma chave

bad-request = Solicitação inválida
not-signed-in = Sem login
not-signed-in-detail = Você não entrou.
not-allowed = Não permitido
not-found = Não encontrado
not-found-detail = Não há nada neste endereço.
method-not-allowed = Método não permitido
method-not-allowed-detail = Este endereço não aceita este método.
conflict = Conflito
platform-busy = A plataforma está ocupada
platform-busy-detail = { $platform } está sobrecarregado e pede que esperemos. Nada foi alterado; tente de novo em alguns minutos.
platform-silent = A plataforma não respondeu
platform-silent-detail = { $platform } não respondeu como esperado. Nada foi alterado; tente de novo em alguns minutos.
unavailable = Indisponível
not-now = Não no momento
not-now-detail = O serviço não consegue ler nem guardar nada no momento. Tente de novo em instantes.
went-wrong = Algo deu errado
went-wrong-detail = Algo deu errado do nosso lado. Tente de novo.
form-expired = Este formulário expirou. Volte, recarregue a página e tente de novo.
form-of-another-site = Este formulário estava em outro site.
cannot-store = O serviço não consegue guardar nada no momento.
starting = O serviço está iniciando ou parando.
took-too-long = Isso demorou demais. Tente de novo.
refused-method = Não é possível
refused-method-detail = Este serviço não conhece esse método.
refused-long-url = Longo demais
refused-long-url-detail = Este endereço é longo demais.
refused-host-detail = A solicitação deve citar um único host.
refused-compressed = Compactada
refused-compressed-detail = Solicitações compactadas não são aceitas.
refused-large = Grande demais
refused-large-detail = Esta solicitação é grande demais.
refused-unreadable-detail = A solicitação foi interrompida ou não pôde ser lida.
refused-slow = Lenta demais
refused-slow-detail = A solicitação não chegou a tempo.
refused-often = Vezes demais
refused-often-detail = Isso foi pedido vezes demais do seu endereço. Aguarde um minuto.
refused-busy = Ocupado
refused-busy-detail = O serviço está ocupado. Tente de novo em instantes.
form-incomplete = Falta algo no formulário. Volte e tente de novo.

connect-this = Conectar?
connect-this-not = Não, ir para o início
connect-this-yes = Sim, conectar
login-of-another-site = Uma página de outro site quer conectar { $what } aqui, onde você entrou com uma conta sua. Quem administra uma poderá ler as conversas da outra. Continue somente se for isso que você quer.
login-of-another-site-beside = Uma página de outro site quer conectar { $what } aqui, onde você entrou com { $names }. Quem administra uma poderá ler as conversas da outra. Continue somente se for isso que você quer.
login-used = Este link de login já foi usado, expirou ou pertence a outro navegador. Se sua conta aparece como conectada, está tudo bem; caso contrário, entre novamente.
login-overtaken = Nada foi conectado: outra pessoa conectou a mesma conta no mesmo momento, e agora ela é dessa pessoa. Se foi você em outra janela, continue lá; caso contrário, pergunte a quem administra a conta com você.
too-many-logins = Há logins demais em andamento. Tente de novo em alguns minutos.
being-erased = O que se sabia desta conta ainda está sendo apagado. Conecte-a novamente em alguns minutos.
nothing-was-connected = Nada foi conectado: { $why }
shopify-connect = Conecte sua loja Shopify
shopify-field = O nome da sua loja, como no endereço .myshopify.com
shopify-wrong-name = Isso não é o nome de uma loja Shopify. É como my-shop ou my-shop.myshopify.com.
facebook-connect = Conecte sua Página do Facebook
instagram-connect = Conta do Instagram da sua Página
facebook-continue = Continuar com o Facebook

facebook-shop-first = Conecte primeiro sua loja; depois volte para conectar sua Página.
facebook-what = Páginas da conta do Facebook deste navegador
facebook-session-changed = Sua sessão terminou ou mudou nesse meio-tempo. Abra o início e entre novamente.
facebook-declined = O Facebook informa que as permissões não foram dadas, então nada foi conectado. Para tentar de novo, abra o início e escolha “Continuar com o Facebook”.
facebook-no-code = A resposta do Facebook não contém código.
facebook-permissions-missing = Nada foi conectado: estas permissões não foram dadas: { $permissions }. Abra o início, escolha “Continuar com o Facebook” e deixe-as marcadas.
facebook-more-pages = Mais Páginas
facebook-more-pages-why = O Facebook não citou todas as suas Páginas. As que faltam aqui são conectadas por outro login. { $why }
facebook-your-pages = Suas Páginas
facebook-no-pages = O Facebook não mostra a este app nenhuma Página sua, então nada foi conectado. Escolha suas Páginas na caixa do Facebook ou entre como uma pessoa que tenha uma função nelas. Se sua Página pertence a um portfólio empresarial, alguém com controle total precisa atribuí-la a você (Meta Business Suite, Configurações, Páginas, “Atribuir pessoas”), com mensagens permitidas. Depois entre novamente.
facebook-login-used = O Facebook informa que este login já foi usado ou expirou. Se sua Página aparece como conectada, está tudo bem; caso contrário, entre novamente.
facebook-not-confirmed = O Facebook não confirma este login. Entre novamente.
facebook-unreadable-id = O ID não pode ser lido.
facebook-no-access = O Facebook não dá acesso a ela.
facebook-may-not-answer = Você não pode responder mensagens lá. Peça a tarefa “Mensagens” nas configurações da Página.
facebook-in-portfolio = O Facebook não dá acesso a ela. Se pertence a um portfólio empresarial, alguém com controle total precisa atribuí-la a você (Meta Business Suite, Configurações, Páginas, “Atribuir pessoas”), com mensagens permitidas. Depois entre novamente.
facebook-of-another-shop = Ela já está conectada aqui a outra loja. Entre com essa loja para usá-la lá, ou peça ao operador que a libere.
facebook-not-signed = Isso não é uma solicitação assinada pelo Facebook para este app.
to-come-lasting = um login duradouro
to-come-granted = o que você permitiu
to-come-access = acesso à Página
to-come-subscription = a assinatura do webhook
to-come-page-details = os dados da Página
to-come-more-pages = outras Páginas suas

shopify-what = a loja { $shop }
shopify-forged-link = Este link não vem da Shopify ou foi alterado no caminho. Abra o app novamente pela Shopify.
shopify-old-link = Este link da Shopify é antigo demais. Abra o app novamente pela Shopify.
shopify-forged = Esta resposta não vem da Shopify ou foi alterada no caminho. Entre novamente.
shopify-declined = A Shopify informa que o app não foi instalado, então nada foi conectado. Para tentar de novo, abra o início e conecte sua loja.
shopify-old-answer = Esta resposta da Shopify é antiga demais. Entre novamente.
shopify-another-shop = Esta resposta é de outra loja. Entre novamente.
shopify-no-products = Nada foi conectado: a permissão para ler produtos não foi dada. Conecte sua loja novamente e deixe-a como está na tela da Shopify.
shopify-login-used = A Shopify informa que este login já foi usado ou expirou. Se sua loja aparece como conectada, está tudo bem; caso contrário, entre novamente.
to-come-shop-details = os dados da loja
to-come-subscriptions = as assinaturas de webhooks

problems = { $first }; { $second }
list = { $first }, { $second }
sentences = { $first } { $second }
platform-limits = { $platform } limita quantas vezes pode ser consultado. A leitura continua sozinha após uma pausa.
platform-later = { $platform } não responde corretamente no momento. Perguntamos de novo automaticamente.
platform-unreadable = As respostas de { $platform } não podem ser lidas no momento. Perguntamos de novo automaticamente.
platform-refuses = { $platform } recusa o pedido (código { $code }).

facebook-blocked = O Facebook bloqueou este app ou Página por um tempo por violar as regras (código 368). A regra está na Caixa de Entrada de Suporte da Página; a leitura continua sozinha quando o bloqueio acabar.
facebook-restricted = O Facebook limitou o envio de mensagens da Página por um tempo (código 10). Veja a Caixa de Entrada de Suporte da Página.
facebook-not-allowed = O Facebook não permite ler a Página (código { $code }). Escolha de novo “Continuar com o Facebook” e deixe todas as permissões marcadas.
facebook-not-allowed-without = O Facebook não permite isso sem a permissão { $permission } (código { $code }). Escolha de novo “Continuar com o Facebook” e deixe todas as permissões marcadas.
facebook-token-removed = O app foi removido da conta do Facebook. Conecte a Página novamente.
facebook-token-checkpoint = O Facebook quer que você entre lá e confirme sua identidade. Depois conecte a Página novamente.
facebook-token-password = A senha da conta do Facebook foi alterada. Conecte a Página novamente.
facebook-token-expired = O login do Facebook expirou. Conecte a Página novamente.
facebook-token-unconfirmed = A conta do Facebook não está confirmada. Confirme-a lá e conecte a Página novamente.
facebook-token-no-role = A pessoa que conectou a Página não tem mais função nela. Alguém com função precisa conectá-la novamente.
facebook-token-refused = O Facebook recusa o login salvo. Conecte a Página novamente.
facebook-token-gone = O login salvo não existe mais. Conecte a Página novamente.
facebook-token-another-app = Este serviço agora é outro app no Facebook. Conecte a Página novamente.
facebook-setup = Este serviço não está bem configurado no Facebook (código { $code }). O operador precisa corrigir.
facebook-unreachable = O Facebook informa que uma pessoa não pode ser contatada (código 551).
facebook-not-visible = O Facebook não mostra mais algo que existia antes (código 100/33).
facebook-too-large = Para o Facebook, as conversas da Página são grandes demais para serem lidas de uma vez.
facebook-page-gone = O Facebook não mostra mais esta Página: ela foi excluída, ocultada ou retirada de quem a conectou. Se voltar, a leitura continua sozinha.
facebook-permission-missing = falta uma permissão ({ $permissions }); escolha de novo “Continuar com o Facebook” e marque-a
facebook-subscription-refused = O Facebook se recusa a entregar mensagens (a assinatura do webhook foi recusada, código { $code })
facebook-delivers-nothing = O Facebook não entrega nada a este serviço no momento (código { $code }), e o operador foi avisado; as mensagens chegam com a consulta diária
facebook-policy-block = O Facebook bloqueou o envio de mensagens da Página por violar as regras; veja a Caixa de Entrada de Suporte da Página
facebook-policy-warning = O Facebook adverte a Página por violar as regras; veja a Caixa de Entrada de Suporte da Página
facebook-ended = a permissão do Facebook para ler a Página terminou em { $date }; escolha de novo “Continuar com o Facebook” para renová-la
facebook-ends-soon = A permissão do Facebook para ler a Página termina em { $date }. Escolha antes “Continuar com o Facebook” para renová-la.

shopify-inactive = esta loja não está ativa na Shopify: pausada ou fechada. A leitura continua sozinha quando ela reabrir.
shopify-token-refused = A Shopify recusa o login salvo: o app foi desinstalado ou o acesso foi revogado. Conecte a loja novamente.
shopify-token-old-kind = A Shopify não aceita mais o tipo antigo de login. Conecte a loja novamente.
shopify-token-dead = A Shopify recusa o login salvo. Conecte a loja novamente.
shopify-not-renewed = A Shopify se recusa a renovar o login: o app foi desinstalado ou este serviço está mal configurado. Conecte a loja novamente.
shopify-limits = A Shopify limita quantas vezes esta loja pode ser consultada. A leitura continua sozinha após uma pausa.
shopify-denied = A Shopify nega uma permissão (ACCESS_DENIED). Conecte a loja novamente para concedê-la.
shopify-too-dear = Para a Shopify, uma parte do catálogo é grande demais para ser pedida (MAX_COST_EXCEEDED). O operador deste serviço precisa corrigir.
shopify-refuses = A Shopify recusa o pedido ({ $code }). O operador deste serviço precisa corrigir.
shopify-frozen = A Shopify congelou esta loja, quase sempre por uma fatura em aberto. A leitura continua sozinha quando ela reabrir.
shopify-no-such-shop = A Shopify não conhece nenhuma loja neste endereço: talvez tenha sido fechada de vez. Perguntamos de novo a cada hora.
shopify-locked = A Shopify bloqueou esta loja. A leitura continua sozinha quando ela reabrir.
shopify-moved = esta loja agora tem outro endereço na Shopify: foi renomeada. Conecte-a novamente com o novo nome.
shopify-forbidden = A Shopify proíbe o uso desta loja no momento. A leitura continua sozinha depois disso.
shopify-renamed = esta loja agora se chama { $shop } na Shopify. Conecte-a novamente com o novo nome; o que foi lido com o antigo fica como está.
shopify-part-denied = falta uma permissão ({ $permissions }). Conecte a loja novamente para concedê-la.
shopify-permission-missing = falta uma permissão ({ $permissions }); conecte a loja novamente para concedê-la
shopify-not-delivered = A Shopify se recusa a entregar { $what }
export-consequence = { $why } O catálogo é lido página por página, o que demora mais e traz o mesmo. A exportação será tentada de novo na próxima leitura completa, no mínimo daqui a um dia.
export-refused = A exportação da Shopify ({ $what }) foi recusada ({ $code }).
export-not-told = A Shopify se recusa a informar sobre a exportação ({ $code }).
export-answers-unreadable = As respostas da Shopify sobre a exportação não podem ser lidas ({ $why }).
export-denied = Uma permissão foi negada à exportação da Shopify ({ $what }) (ACCESS_DENIED).
export-fault = A exportação da Shopify ({ $what }) falhou por um erro da Shopify (INTERNAL_SERVER_ERROR).
export-timeout = A exportação da Shopify ({ $what }) demorou demais (TIMEOUT).
export-failed = A exportação da Shopify ({ $what }) falhou ({ $code }).
export-expired = A exportação da Shopify ({ $what }) expirou antes de ser buscada (EXPIRED).
export-canceled = A exportação da Shopify ({ $what }) foi cancelada na Shopify (CANCELED).
export-unknown-end = A exportação da Shopify ({ $what }) terminou de um modo desconhecido aqui ({ $code }).
export-gone = A exportação da Shopify ({ $what }) não é mais conhecida na Shopify.
export-not-begun = A exportação da Shopify ({ $what }) não começou após meia hora.
export-endless = A exportação do catálogo da Shopify não terminou após seis horas.
export-elsewhere = A exportação da Shopify ({ $what }) está em um endereço que não se conhece como da Shopify; não foi buscada.
export-not-given-out = A exportação da Shopify ({ $what }) não é fornecida ({ $code }).
export-breaks-off = A exportação da Shopify ({ $what }) é cortada antes do fim.
export-unreadable = A exportação da Shopify ({ $what }) não pode ser lida ({ $why }).
export-orphan = A exportação da Shopify ({ $what }) está incompleta: falta o objeto superior de um objeto.

whatsapp-blocked = O WhatsApp bloqueou a conta comercial por violar as regras. O Gerenciador do WhatsApp indica a regra; o envio continua sozinho quando o bloqueio acabar.
whatsapp-restricted = O WhatsApp limitou o envio do número por um tempo. Veja o Gerenciador do WhatsApp.
whatsapp-payment = O WhatsApp não consegue cobrar da conta comercial (código 131042): falta uma forma de pagamento ou ela foi recusada. Veja Cobrança no Gerenciador do WhatsApp.
whatsapp-not-registered = O número não está registrado para enviar no WhatsApp (código { $code }). Veja o Gerenciador do WhatsApp.
whatsapp-not-allowed = O WhatsApp não permite isso ao token das configurações (código { $code }). O usuário do sistema dele precisa do número e das permissões { $permissions }.
whatsapp-token-expired = O token de acesso do WhatsApp expirou. Defina WHATSAPP_ACCESS_TOKEN novamente.
whatsapp-token-refused = O WhatsApp recusa o token de acesso das configurações. Defina WHATSAPP_ACCESS_TOKEN novamente.
whatsapp-token-ends = O token de acesso do WhatsApp expira em { $date }. Crie antes um novo para o usuário do sistema e defina WHATSAPP_ACCESS_TOKEN.
whatsapp-may-not-send = o token das configurações não pode enviar: falta a permissão { $permission }
whatsapp-subscription-refused = O WhatsApp se recusa a entregar mensagens (a assinatura foi recusada, código { $code })
whatsapp-another-address = O WhatsApp entrega as mensagens do número em outro endereço que não WHATSAPP_WEBHOOK_ADDRESS
whatsapp-fields-missing = o app não recebe estes campos do webhook: { $fields }

viber-token-refused = O Viber recusa o token do bot. O operador coloca o novo em VIBER_BOT_TOKEN e reinicia o serviço.
viber-blocked = O Viber bloqueou o bot (status 7). O suporte do Viber diz por quê; verificamos de novo a cada hora.
viber-unknown-bot = O Viber não conhece mais o bot (status 8). O suporte do Viber diz por quê.
viber-suspended = O Viber suspendeu o bot (status 9). O suporte do Viber diz por quê; verificamos de novo a cada hora.
viber-terms = O Viber não deixa o bot fazer isso (status 15): talvez faltem os termos comerciais.
viber-another-bot = VIBER_BOT_TOKEN é o token de outro bot, ou o Viber ainda não disse de qual. Nada é enviado como este.
viber-not-delivered-unreachable = O Viber não entrega mensagens em VIBER_WEBHOOK_ADDRESS: não alcança o endereço ou não confia no certificado (status 1).
viber-not-delivered = O Viber não entrega mensagens em VIBER_WEBHOOK_ADDRESS: recusa o endereço (status { $code }).

linkedin-token-refused = O LinkedIn recusa o token da página: expirou ou foi retirado. O operador cria um novo, coloca em LINKEDIN_ACCESS_TOKEN e reinicia o serviço.
linkedin-refresh-refused = O LinkedIn se recusa a renovar o token da página. O operador cria novos, coloca em LINKEDIN_ACCESS_TOKEN e LINKEDIN_REFRESH_TOKEN e reinicia o serviço.
linkedin-not-allowed = O LinkedIn não permite isso ao app ou ao membro dono do token (código { $code }): falta um produto do app, uma permissão ou a função de administrador da página
linkedin-version = O LinkedIn não oferece mais esta versão da API. O operador define LINKEDIN_VERSION com uma mais nova.
linkedin-limits = O LinkedIn limita quantas vezes por dia pode ser consultado. Perguntamos de novo automaticamente.
linkedin-another-page = LINKEDIN_ORGANIZATION_ID indica outra página. Nada é enviado como esta.
linkedin-not-shown = O LinkedIn não mostra a assinatura (código { $code })
linkedin-no-subscription = O LinkedIn não tem assinatura da atividade da página; com LINKEDIN_APPLICATION_ID o serviço cria uma
linkedin-no-administrator = o membro de LINKEDIN_ACCESS_TOKEN não administra a página, então ninguém pode assinar a atividade dela
linkedin-not-delivered = O LinkedIn se recusa a entregar a atividade da página em LINKEDIN_WEBHOOK_ADDRESS (código { $code }): primeiro o endereço precisa ser inserido em Webhooks no portal do desenvolvedor, onde o LinkedIn o verifica

bot-hand-no-answer = O modelo não deu resposta.
bot-hand-too-long = A resposta do modelo era longa demais.
bot-hand-markup = A resposta do modelo era marcação e não texto.
bot-hand-address = A resposta do modelo continha um endereço que não é da loja.
bot-hand-price = A resposta do modelo continha um preço que não está no catálogo.
bot-hand-span = A resposta do modelo indicava um prazo que não consta em nada do que lhe foi dito.
bot-hand-number = A resposta do modelo continha um número que não consta em nada do que lhe foi dito.
bot-hand-unfinished = A resposta do modelo não era uma resposta, mas algo do seu funcionamento interno.
bot-hand-another-customer = A resposta do modelo citava outro cliente.
bot-hand-unreadable = A resposta do modelo não pôde ser lida.
bot-hand-cut = A resposta do modelo foi cortada.
bot-hand-declined = O modelo não aceita esta pergunta.
bot-hand-endless = O modelo não encontrou resposta.
bot-hand-wanted = O modelo quer que uma pessoa responda.
bot-hand-prompt = O arquivo BOT_PROMPT_FILE está vazio ou não pode ser lido.
bot-hand-over-budget = O bot gastou os tokens de hoje.
bot-hand-cannot-read = O cliente enviou algo que o bot não consegue ler.
bot-hand-refuses = O modelo recusa perguntas.
bot-hand-late = O modelo não respondeu a tempo.
bot-hand-account-late = A conta não conseguiu enviar a tempo.
bot-hand-channel = A resposta do modelo não pode ser enviada neste canal.
bot-hand-nobody = Ninguém respondeu desde que o bot passou a conversa.
bot-hand-window = O prazo de resposta da plataforma terminou antes que o bot pudesse responder.
bot-hand-not-sent = A resposta do bot não pôde ser enviada.
bot-hand-not-taken = A plataforma não aceitou a resposta do bot.
bot-hand-unknown = Ninguém sabe se a resposta do bot chegou ao cliente.
bot-hand-fault = O bot não conseguiu trabalhar nesta mensagem.
