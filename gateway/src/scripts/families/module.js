export { LiveNames, Presence, commonName, statusWord };
