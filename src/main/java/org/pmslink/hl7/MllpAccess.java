package org.pmslink.hl7;

import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.NotSslRecordException;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.netty.handler.ssl.SslProvider;
import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.channels.ClosedChannelException;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLException;
import javax.net.ssl.TrustManagerFactory;
import org.apache.camel.component.netty.ChannelHandlerFactory;
import org.apache.camel.component.netty.DefaultChannelHandlerFactory;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.security.web.util.matcher.IpAddressMatcher;

/**
 * Who may connect to the port of a feed, and whether the connection is encrypted: MLLP itself knows
 * neither. Stands before everything that reads. A Java bean, because Camel fills it from the feed
 * file.
 */
public final class MllpAccess extends DefaultChannelHandlerFactory
    implements ChannelHandlerFactory {
  private static final Logger LOG = LoggerFactory.getLogger(MllpAccess.class);

  /** What a parameter says that is not given. */
  private static final String NONE = "none";

  private static final String ANYBODY = "any";
  private static final int HANDSHAKE_SECONDS = 10;
  private static final long BETWEEN_LINES_NANOS = TimeUnit.MINUTES.toNanos(1);

  /** Who has to know of connections that were refused. */
  @FunctionalInterface
  public interface Refusals {
    /** Called now and then and not for each of them; must not wait for anything. */
    void refused(String practice, String feed, String from, String why);
  }

  private String feed = "";
  private String practice = "";
  private Refusals refusals = (of, feed, from, why) -> {};
  private String address = "127.0.0.1";
  private String keyStore = NONE;
  private String keyStorePassword = NONE;
  private String trustStore = NONE;
  private String trustStorePassword = NONE;
  private List<IpAddressMatcher> senders = List.of();
  private @Nullable SslContext tls;
  private @Nullable Long lastLine;
  private int unsaid;

  public void setFeed(String feed) {
    this.feed = feed;
  }

  public void setPractice(String practice) {
    this.practice = practice;
  }

  public void setRefusals(Refusals refusals) {
    this.refusals = refusals;
  }

  /**
   * @param address that the feed listens on
   */
  public void setAddress(String address) {
    this.address = address;
  }

  /**
   * @param file with the engine's key and certificate, PKCS 12 or JKS, or "none"
   */
  public void setKeyStore(String file) {
    keyStore = file.strip();
  }

  public void setKeyStorePassword(String password) {
    keyStorePassword = password;
  }

  /**
   * @param file with the certificates of senders, or of who issues them, or "none"
   */
  public void setTrustStore(String file) {
    trustStore = file.strip();
  }

  public void setTrustStorePassword(String password) {
    trustStorePassword = password;
  }

  /**
   * @param senders addresses and networks ({@code 10.0.4.0/24}), or "any"
   */
  public void setSenders(String senders) {
    this.senders =
        senders.strip().equals(ANYBODY)
            ? List.of()
            : Arrays.stream(senders.strip().split("[,\\s]+")).map(MllpAccess::matcher).toList();
  }

  /** Names are none of these: they would be looked up, and mean another machine tomorrow. */
  private static IpAddressMatcher matcher(String sender) {
    try {
      if (sender.matches(
          "[0-9]{1,3}(\\.[0-9]{1,3}){3}(/[0-9]{1,2})?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(/[0-9]{1,3})?")) {
        return new IpAddressMatcher(sender);
      }
    } catch (IllegalArgumentException e) {
      // Said below, in our own words.
    }
    throw new IllegalArgumentException(
        "senders: \""
            + sender
            + "\" is no address or network; write them like 10.0.4.17 10.0.5.0/24");
  }

  /**
   * @throws IllegalArgumentException when a trust store is given without a key store
   */
  public static void checkStores(@Nullable String keyStore, @Nullable String trustStore) {
    if (isGiven(trustStore) && !isGiven(keyStore)) {
      throw new IllegalArgumentException(
          "trustStore: senders show certificates over TLS alone, which needs a keyStore");
    }
  }

  private static boolean isGiven(@Nullable String store) {
    return store != null && !store.isBlank() && !store.equals(NONE);
  }

  /**
   * Reads the stores; Camel calls this when all is set.
   *
   * @throws IllegalArgumentException when one cannot be used
   */
  public void open() throws GeneralSecurityException, SSLException {
    checkStores(keyStore, trustStore);
    if (isGiven(keyStore)) {
      KeyManagerFactory keys =
          KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      keys.init(
          store("keyStore", keyStore, keyStorePassword, true), keyStorePassword.toCharArray());
      SslContextBuilder builder =
          SslContextBuilder.forServer(keys)
              .sslProvider(SslProvider.JDK)
              .protocols("TLSv1.3", "TLSv1.2");
      if (isGiven(trustStore)) {
        TrustManagerFactory trusted =
            TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trusted.init(store("trustStore", trustStore, trustStorePassword, false));
        builder.trustManager(trusted).clientAuth(ClientAuth.REQUIRE);
      }
      tls = builder.build();
    } else if (!isThisMachine()) {
      LOG.warn(
          "{} listens on {} without TLS: whoever is on the way can read what patients are told of",
          feed,
          address);
    }
  }

  private boolean isThisMachine() {
    try {
      return InetAddress.getByName(address).isLoopbackAddress();
    } catch (UnknownHostException e) {
      return false;
    }
  }

  private static KeyStore store(String parameter, String file, String password, boolean withKey)
      throws GeneralSecurityException {
    KeyStore store;
    try {
      store = KeyStore.getInstance(new File(file), password.toCharArray());
    } catch (IOException | IllegalArgumentException e) {
      // Without the cause: of those, a refused feed file shows the innermost one alone.
      throw new IllegalArgumentException(
          parameter + ": " + file + " cannot be read, or " + parameter + "Password is not its own");
    }
    boolean holds = false;
    for (String alias : java.util.Collections.list(store.aliases())) {
      holds |= withKey ? store.isKeyEntry(alias) : store.isCertificateEntry(alias);
    }
    if (!holds) {
      throw new IllegalArgumentException(
          parameter + ": " + file + " holds no " + (withKey ? "key" : "certificate to trust"));
    }
    return store;
  }

  @Override
  public ChannelHandler newChannelHandler() {
    return new Gate();
  }

  private boolean maySend(@Nullable Object remote) {
    return senders.isEmpty()
        || (remote instanceof InetSocketAddress from
            && senders.stream().anyMatch(sender -> sender.matches(host(from))));
  }

  private static String host(InetSocketAddress from) {
    return from.getAddress().getHostAddress().replaceFirst("%.*", "");
  }

  /** One line a minute: whoever scans ports shall not fill the log. */
  private synchronized void refused(@Nullable Object remote, String why) {
    long now = System.nanoTime();
    if (lastLine != null && now - lastLine < BETWEEN_LINES_NANOS) {
      unsaid++;
      return;
    }
    String from = remote instanceof InetSocketAddress known ? host(known) : "somewhere";
    String reason = why + (unsaid == 0 ? "" : " (" + unsaid + " others before it)");
    LOG.warn("{}: a connection from {} was refused: {}", feed, from, reason);
    refusals.refused(practice, feed, from, reason);
    lastLine = now;
    unsaid = 0;
  }

  /** The first to see a connection. */
  private final class Gate extends ChannelInboundHandlerAdapter {
    private boolean in;

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
      in = maySend(context.channel().remoteAddress());
      SslContext sealed = tls;
      if (in && sealed != null) {
        var handler = sealed.newHandler(context.alloc());
        handler.setHandshakeTimeout(HANDSHAKE_SECONDS, TimeUnit.SECONDS);
        context.pipeline().addFirst("tls", handler);
      }
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
      if (in) {
        context.fireChannelActive();
      } else {
        refused(context.channel().remoteAddress(), "its address is not among senders");
        var unused = context.close();
      }
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      if (in) {
        context.fireChannelRead(message);
      } else {
        io.netty.util.ReferenceCountUtil.release(message);
      }
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
      if (event instanceof SslHandshakeCompletionEvent handshake && !handshake.isSuccess()) {
        // In our own words: Netty's quote what came instead of TLS, which may be a message.
        Throwable cause = handshake.cause();
        refused(
            context.channel().remoteAddress(),
            cause instanceof NotSslRecordException
                ? "it does not speak TLS"
                : cause instanceof ClosedChannelException
                    ? "it left before TLS was agreed upon"
                    : "no TLS was agreed upon"
                        + (isGiven(trustStore)
                            ? ", or its certificate is missing or not trusted"
                            : ""));
        var unused = context.close();
      }
      context.fireUserEventTriggered(event);
    }
  }
}
