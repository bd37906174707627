/*
 * A real Sametime client (libmeanwhile 1.1.1) that is driven by lines and answers in JSON lines.
 *
 * In:  tab separated words, one command per line:
 *        login HOST PORT TYPE NAME password|token SECRET     TYPE is the login type in hex
 *        continue                                            stay on this connection when redirected
 *        add ID...      addgroup NAME...     remove ID...
 *        status HEX TEXT                                     own status
 *        privacy deny|allow ID...                            own privacy list
 *        im ID TEXT                                          opens a chat if there is none
 *        typing ID 1|0
 *        imclose ID
 *        announce TEXT RECIPIENT...                          "@U id" or "@G group"
 *        resolve FLAGS NAME...
 *        save KEY TEXT      load KEY
 *        logout
 * Out: one JSON object per line with an "event"; see the functions named on_... below.
 *
 * The library knows no token login: the Login frame is replaced when it is written
 * (vp-wire.md 5.3 and 12). It ends when stdin or the connection ends.
 */

#include <errno.h>
#include <glib.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <mw_cipher.h>
#include <mw_common.h>
#include <mw_service.h>
#include <mw_session.h>
#include <mw_srvc_aware.h>
#include <mw_srvc_im.h>
#include <mw_srvc_resolve.h>
#include <mw_srvc_store.h>

/* Type of the Login message (vp-wire.md 3). */
#define LOGIN_CODE 0x0001

static int sock = -1;
static struct mwSession *session;
static struct mwServiceAware *aware;
static struct mwAwareList *list;
static struct mwServiceIm *im;
static struct mwServiceResolve *resolver;
static struct mwServiceStorage *storage;
static guint16 login_type;
static char *login_name;
static char *token;

/* ---- output ---- */

static void put_text(const char *key, const char *text) {
  const unsigned char *c = (const unsigned char *)(text ? text : "");
  printf(",\"%s\":\"", key);
  for (; *c; c++) {
    if (*c == '"' || *c == '\\') printf("\\%c", *c);
    else if (*c < 0x20) printf("\\u%04x", *c);
    else putchar(*c);
  }
  putchar('"');
}

static void put_number(const char *key, unsigned long value) { printf(",\"%s\":%lu", key, value); }

static void begin(const char *event) { printf("{\"event\":\"%s\"", event); }

static void end(void) {
  printf("}\n");
  fflush(stdout);
}

/* ---- connection ---- */

static int write_all(const guchar *bytes, gsize length) {
  while (length > 0) {
    ssize_t n = send(sock, bytes, length, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return 1;
    bytes += n;
    length -= (gsize)n;
  }
  return 0;
}

/* Login with auth type 1: the token as it is (vp-wire.md 5.3). */
static int write_token_login(void) {
  struct mwPutBuffer *body = mwPutBuffer_new(), *frame = mwPutBuffer_new();
  struct mwOpaque secret = {strlen(token), (guchar *)token}, message, bytes;
  int failed;
  guint16_put(body, LOGIN_CODE);
  guint16_put(body, 0);
  guint32_put(body, 0);
  guint16_put(body, login_type);
  mwString_put(body, login_name);
  mwOpaque_put(body, &secret);
  guint16_put(body, 1);
  guint16_put(body, 0);
  mwPutBuffer_finalize(&message, body);
  mwOpaque_put(frame, &message);
  mwOpaque_clear(&message);
  mwPutBuffer_finalize(&bytes, frame);
  failed = write_all(bytes.data, bytes.len);
  mwOpaque_clear(&bytes);
  return failed;
}

static int io_write(struct mwSession *s, const guchar *bytes, gsize length) {
  (void)s;
  if (sock < 0) return 1;
  if (token && length >= 6 && bytes[4] == 0 && bytes[5] == LOGIN_CODE) return write_token_login();
  return write_all(bytes, length);
}

static void io_close(struct mwSession *s) {
  (void)s;
  if (sock >= 0) close(sock);
  sock = -1;
}

static int dial(const char *host, const char *port) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
  int fd;
  if (getaddrinfo(host, port, &hints, &found)) return -1;
  fd = socket(found->ai_family, SOCK_STREAM, 0);
  if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen)) {
    close(fd);
    fd = -1;
  }
  freeaddrinfo(found);
  return fd;
}

/* ---- what the library tells ---- */

static void on_state(struct mwSession *s, enum mwSessionState state, gpointer info) {
  if (state == mwSession_STARTED) {
    struct mwLoginInfo *login = mwSession_getLoginInfo(s);
    struct mwUserStatus *status = mwSession_getUserStatus(s);
    begin("started");
    put_text("user", login->user_id);
    put_text("name", login->user_name);
    put_text("server", login->server_id);
    put_number("status", status ? status->status : 0);
    put_text("text", status ? status->desc : "");
    end();
  } else if (state == mwSession_LOGIN_REDIR) {
    begin("redirected");
    put_text("host", info);
    end();
  } else if (state == mwSession_STOPPED) {
    begin("stopped");
    put_number("reason", GPOINTER_TO_UINT(info));
    end();
  }
}

static void on_privacy(struct mwSession *s) {
  struct mwPrivacyInfo *privacy = mwSession_getPrivacyInfo(s);
  begin("privacy");
  put_number("deny", privacy->deny ? 1 : 0);
  put_number("count", privacy->count);
  end();
}

static void on_status(struct mwSession *s) {
  struct mwUserStatus *status = mwSession_getUserStatus(s);
  begin("status");
  put_number("status", status->status);
  put_text("text", status->desc);
  end();
}

static void on_admin(struct mwSession *s, const char *text) {
  (void)s;
  begin("admin");
  put_text("text", text);
  end();
}

static void on_announce(struct mwSession *s, struct mwLoginInfo *from, gboolean may_reply, const char *text) {
  (void)s;
  begin("announce");
  put_text("from", from ? from->user_id : "");
  put_number("may_reply", may_reply ? 1 : 0);
  put_text("text", text);
  end();
}

static void on_aware(struct mwAwareList *l, struct mwAwareSnapshot *snapshot) {
  (void)l;
  begin("aware");
  put_number("kind", snapshot->id.type);
  put_text("id", snapshot->id.user);
  put_text("group", snapshot->group);
  put_number("online", snapshot->online ? 1 : 0);
  put_number("status", snapshot->online ? snapshot->status.status : 0);
  put_text("text", snapshot->online ? snapshot->status.desc : "");
  put_text("name", snapshot->online ? snapshot->name : "");
  end();
}

static void on_attribute(struct mwAwareList *l, struct mwAwareIdBlock *id, struct mwAwareAttribute *attribute) {
  (void)l;
  begin("attribute");
  put_text("id", id->user);
  put_number("key", mwAwareAttribute_getKey(attribute));
  end();
}

static void on_own_attribute(struct mwServiceAware *s, struct mwAwareAttribute *attribute) {
  (void)s;
  (void)attribute;
}

static void on_opened(struct mwConversation *chat) {
  char *waiting = mwConversation_getClientData(chat);
  begin("im_opened");
  put_text("with", mwConversation_getTarget(chat)->user);
  end();
  if (waiting) mwConversation_send(chat, mwImSend_PLAIN, waiting);
  mwConversation_removeClientData(chat);
}

static void on_closed(struct mwConversation *chat, guint32 reason) {
  begin("im_closed");
  put_text("with", mwConversation_getTarget(chat)->user);
  put_number("reason", reason);
  end();
}

static void on_said(struct mwConversation *chat, enum mwImSendType type, gconstpointer said) {
  if (type == mwImSend_TYPING) {
    begin("im_typing");
    put_text("from", mwConversation_getTarget(chat)->user);
    put_number("typing", GPOINTER_TO_UINT(said) ? 1 : 0);
    end();
  }
  if (type != mwImSend_PLAIN) return;
  begin("im");
  put_text("from", mwConversation_getTarget(chat)->user);
  put_text("text", said);
  end();
}

static void on_resolved(struct mwServiceResolve *s, guint32 id, guint32 code, GList *results, gpointer data) {
  (void)s;
  (void)id;
  (void)data;
  for (; results; results = results->next) {
    struct mwResolveResult *result = results->data;
    GList *match = result->matches;
    begin("resolved");
    put_number("code", code);
    put_number("result", result->code);
    put_text("asked", result->name);
    put_number("matches", g_list_length(match));
    put_text("id", match ? ((struct mwResolveMatch *)match->data)->id : "");
    put_text("name", match ? ((struct mwResolveMatch *)match->data)->name : "");
    end();
  }
}

static void on_stored(struct mwServiceStorage *s, guint32 result, struct mwStorageUnit *unit, gpointer data) {
  char *text = mwStorageUnit_asString(unit);
  (void)s;
  begin(data);
  put_number("result", result);
  put_number("key", mwStorageUnit_getKey(unit));
  put_text("text", text);
  end();
  g_free(text);
}

/* ---- commands ---- */

static struct mwSessionHandler session_handler = {
    .io_write = io_write,
    .io_close = io_close,
    .on_stateChange = on_state,
    .on_setPrivacyInfo = on_privacy,
    .on_setUserStatus = on_status,
    .on_admin = on_admin,
    .on_announce = on_announce,
};
static struct mwAwareHandler aware_handler = {.on_attrib = on_own_attribute};
static struct mwAwareListHandler list_handler = {.on_aware = on_aware, .on_attrib = on_attribute};
static struct mwImHandler im_handler = {
    .conversation_opened = on_opened,
    .conversation_closed = on_closed,
    .conversation_recv = on_said,
};

static void log_in(char **word) {
  gboolean by_token = !strcmp(word[5], "token");
  login_type = (guint16)strtoul(word[3], NULL, 16);
  login_name = g_strdup(word[4]);
  if (by_token) token = g_strdup(word[6]);
  session = mwSession_new(&session_handler);
  mwSession_setProperty(session, mwSession_AUTH_USER_ID, login_name, NULL);
  mwSession_setProperty(session, mwSession_AUTH_PASSWORD, by_token ? g_strdup("-") : g_strdup(word[6]), g_free);
  mwSession_setProperty(session, mwSession_CLIENT_TYPE_ID, GUINT_TO_POINTER((guint)login_type), NULL);
  mwSession_addCipher(session, mwCipher_new_RC2_40(session));
  mwSession_addCipher(session, mwCipher_new_RC2_128(session));
  aware = mwServiceAware_new(session, &aware_handler);
  im = mwServiceIm_new(session, &im_handler);
  mwServiceIm_setClientType(im, mwImClient_PLAIN);
  resolver = mwServiceResolve_new(session);
  storage = mwServiceStorage_new(session);
  mwSession_addService(session, (struct mwService *)aware);
  mwSession_addService(session, (struct mwService *)im);
  mwSession_addService(session, (struct mwService *)resolver);
  mwSession_addService(session, (struct mwService *)storage);
  list = mwAwareList_new(aware, &list_handler);
  sock = dial(word[1], word[2]);
  if (sock < 0) {
    begin("unreachable");
    end();
    exit(1);
  }
  mwSession_start(session);
}

static void change_list(char **word, guint16 kind, gboolean add) {
  GList *ids = NULL;
  for (word++; *word; word++) {
    struct mwAwareIdBlock *id = g_new0(struct mwAwareIdBlock, 1);
    id->type = kind;
    id->user = *word;
    ids = g_list_append(ids, id);
  }
  if (add) mwAwareList_addAware(list, ids);
  else mwAwareList_removeAware(list, ids);
  g_list_free_full(ids, g_free);
}

static void set_privacy(char **word) {
  struct mwPrivacyInfo privacy = {.deny = !strcmp(word[1], "deny")};
  guint count = g_strv_length(word) - 2, i;
  privacy.count = count;
  privacy.users = g_new0(struct mwUserItem, count + 1);
  for (i = 0; i < count; i++) privacy.users[i].id = word[i + 2];
  mwSession_setPrivacyInfo(session, &privacy);
  g_free(privacy.users);
}

static void say(char **word, gboolean close_it) {
  struct mwIdBlock target = {.user = word[1], .community = NULL};
  struct mwConversation *chat = mwServiceIm_getConversation(im, &target);
  if (close_it) {
    mwConversation_close(chat, 0);
  } else if (mwConversation_isOpen(chat)) {
    mwConversation_send(chat, mwImSend_PLAIN, word[2]);
  } else {
    mwConversation_setClientData(chat, g_strdup(word[2]), g_free);
    mwConversation_open(chat);
  }
}

static void type(char **word) {
  struct mwIdBlock target = {.user = word[1], .community = NULL};
  struct mwConversation *chat = mwServiceIm_getConversation(im, &target);
  if (mwConversation_isOpen(chat)) mwConversation_send(chat, mwImSend_TYPING, GUINT_TO_POINTER(!strcmp(word[2], "1")));
}

static void announce(char **word) {
  GList *recipients = NULL;
  char **recipient;
  for (recipient = word + 2; *recipient; recipient++) recipients = g_list_append(recipients, *recipient);
  mwSession_sendAnnounce(session, FALSE, word[1], recipients);
  g_list_free(recipients);
}

static void resolve(char **word) {
  GList *names = NULL;
  char **name;
  for (name = word + 2; *name; name++) names = g_list_append(names, *name);
  mwServiceResolve_resolve(resolver, names, strtoul(word[1], NULL, 16), on_resolved, NULL, NULL);
  g_list_free(names);
}

static void obey(char *line) {
  char **word = g_strsplit(line, "\t", -1);
  guint words = g_strv_length(word);
  if (words >= 7 && !strcmp(word[0], "login")) log_in(word);
  else if (!session) fprintf(stderr, "peer: log in first\n");
  else if (!strcmp(word[0], "continue")) mwSession_forceLogin(session);
  else if (!strcmp(word[0], "add")) change_list(word, mwAware_USER, TRUE);
  else if (!strcmp(word[0], "addgroup")) change_list(word, mwAware_GROUP, TRUE);
  else if (!strcmp(word[0], "remove")) change_list(word, mwAware_USER, FALSE);
  else if (words >= 3 && !strcmp(word[0], "status")) {
    struct mwUserStatus status = {.status = (guint16)strtoul(word[1], NULL, 16), .time = 0, .desc = word[2]};
    mwSession_setUserStatus(session, &status);
  } else if (words >= 2 && !strcmp(word[0], "privacy")) set_privacy(word);
  else if (words >= 3 && !strcmp(word[0], "im")) say(word, FALSE);
  else if (words >= 3 && !strcmp(word[0], "typing")) type(word);
  else if (words >= 2 && !strcmp(word[0], "imclose")) say(word, TRUE);
  else if (words >= 3 && !strcmp(word[0], "announce")) announce(word);
  else if (words >= 3 && !strcmp(word[0], "resolve")) resolve(word);
  else if (words >= 3 && !strcmp(word[0], "save"))
    mwServiceStorage_save(storage, mwStorageUnit_newString(strtoul(word[1], NULL, 10), word[2]), on_stored, "saved", NULL);
  else if (words >= 2 && !strcmp(word[0], "load"))
    mwServiceStorage_load(storage, mwStorageUnit_new(strtoul(word[1], NULL, 10)), on_stored, "loaded", NULL);
  else if (!strcmp(word[0], "logout")) mwSession_stop(session, 0);
  else fprintf(stderr, "peer: cannot understand: %s\n", word[0]);
  g_strfreev(word);
}

/* Reads what stdin has and obeys whole lines. Returns 0 at its end. */
static int read_commands(GString *input) {
  char buffer[65536];
  ssize_t n = read(0, buffer, sizeof buffer);
  char *newline;
  if (n <= 0) return 0;
  g_string_append_len(input, buffer, n);
  while ((newline = memchr(input->str, '\n', input->len))) {
    char *line = g_strndup(input->str, (gsize)(newline - input->str));
    g_string_erase(input, 0, newline - input->str + 1);
    obey(line);
    g_free(line);
  }
  return 1;
}

/* The library tells every state on stderr; warnings are enough. */
static void on_log(const gchar *domain, GLogLevelFlags level, const gchar *text, gpointer data) {
  if ((level & G_LOG_LEVEL_MASK) <= G_LOG_LEVEL_WARNING) g_log_default_handler(domain, level, text, data);
}

int main(void) {
  GString *input = g_string_new(NULL);
  g_log_set_default_handler(on_log, NULL);
  for (;;) {
    struct pollfd fds[2] = {{.fd = 0, .events = POLLIN}, {.fd = sock, .events = POLLIN}};
    if (poll(fds, 2, -1) < 0 && errno != EINTR) return 1;
    if (fds[1].revents && sock >= 0) {
      guchar buffer[65536];
      ssize_t n = recv(sock, buffer, sizeof buffer, 0);
      if (n > 0) mwSession_recv(session, buffer, (gsize)n);
      if (n <= 0 || sock < 0) {
        begin("closed");
        end();
        return 0;
      }
    }
    if (fds[0].revents && !read_commands(input)) return 0;
    if (session && sock < 0) {
      begin("closed");
      end();
      return 0;
    }
  }
}
