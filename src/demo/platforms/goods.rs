//! What the simulated shop sells.

use crate::shopify;

/// Fills a new shop.
pub(super) fn fill_shop(shop: &shopify::sandbox::Shop) {
    let board = shop.add_product("Snowboard Classic");
    board.set_price("640.00");
    board.set_stock(3);
    board.set_description("All-mountain board, 158 cm.");
    board.add_variant("Wide", "660.00");
    board.set_metafield("care", "Wax twice a season");
    let boots = shop.add_product("Boots “Alpin”");
    boots.set_price("229.90");
    boots.set_tags(&["boots", "sale"]);
    let gloves = shop.add_product("Gloves");
    gloves.set_price("39.00");
    gloves.set_stock(0);
    let draft = shop.add_product("Next season's jacket");
    draft.set_status("DRAFT");
    shop.add_collection("Winter", &[&board, &boots, &gloves]);
    shop.add_code_discount("Welcome", &["WELCOME10"], 0.1);
    shop.add_automatic_discount("Winter week", 0.05);
}
