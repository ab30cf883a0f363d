package org.pmslink.event;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import org.apache.hc.client5.http.DnsResolver;

/**
 * Where a webhook may lie. Asked when a connection is made, with the addresses that it is made to:
 * a name that means another machine by then leads nowhere.
 */
final class Reachable implements DnsResolver {
  private final boolean mayBePrivate;

  Reachable(boolean mayBePrivate) {
    this.mayBePrivate = mayBePrivate;
  }

  /** A name leads to where no webhook may lie. */
  static final class ForbiddenException extends UnknownHostException {
    private static final long serialVersionUID = 1L;
  }

  @Override
  public InetAddress[] resolve(String host) throws UnknownHostException {
    InetAddress[] addresses = InetAddress.getAllByName(host);
    for (InetAddress address : addresses) {
      if (isNever(address) || (isPrivate(address) && !mayBePrivate)) {
        throw new ForbiddenException();
      }
    }
    return addresses;
  }

  @Override
  public String resolveCanonicalHostname(String host) {
    return host;
  }

  /** Nobody's, everybody's, or of the network card's own: there, clouds keep their secrets. */
  private static boolean isNever(InetAddress address) {
    return address.isAnyLocalAddress()
        || address.isMulticastAddress()
        || address.isLinkLocalAddress()
        || (address instanceof Inet4Address && address.getAddress()[0] == 0);
  }

  private static boolean isPrivate(InetAddress address) {
    byte[] bytes = address.getAddress();
    boolean ofCarriers = // 100.64.0.0/10
        address instanceof Inet4Address && bytes[0] == 100 && (bytes[1] & 0xC0) == 64;
    boolean uniqueLocal = // fc00::/7
        bytes.length == 16 && (bytes[0] & 0xFE) == 0xFC;
    return address.isLoopbackAddress() || address.isSiteLocalAddress() || ofCarriers || uniqueLocal;
  }
}
