// Signs in with the key in the address, /signin#key=…, and takes it out of the address and the history.
"use strict";
(() => {
  const key = new URLSearchParams(location.hash.slice(1)).get("key");
  if (!key) return;
  history.replaceState(null, "", location.pathname + location.search);
  document.getElementById("key").value = key;
  document.getElementById("signin").submit();
})();
