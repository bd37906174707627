var stproxyConfig = { server: new URLSearchParams(location.search).get("gateway"), isConnectClient: false };
